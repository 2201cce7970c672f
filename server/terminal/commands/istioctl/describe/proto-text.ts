const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const DURATION = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?$/;

/** The seconds and nanoseconds of `1.5s`; undefined where a text is no duration. */
function durationText(text: string): string | undefined {
  const parts = text === '' ? null : DURATION.exec(text);
  if (parts === null) return undefined;
  const [, hours = 0, minutes = 0, seconds = 0, ms = 0] = parts;
  const total = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) + Number(ms) / 1000;
  const whole = Math.floor(total);
  const nanos = Math.round((total - whole) * 1e9);
  return [...(whole > 0 ? [`seconds:${whole}`] : []), ...(nanos > 0 ? [`nanos:${nanos}`] : [])].join(' ');
}

/** A message in protobuf's text format, on one line: `delay:{percentage:{value:100} fixed_delay:{seconds:7}}`. */
export function protoText(message: object): string {
  return Object.entries(message)
    .flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map((item: unknown) => fieldText(name, item)))
    .join(' ');
}

function fieldText(name: string, value: unknown): string {
  if (typeof value === 'object' && value !== null) return `${snake(name)}:{${protoText(value)}}`;
  const duration = /delay|timeout|interval/i.test(name) && typeof value === 'string' ? durationText(value) : undefined;
  if (duration !== undefined) return `${snake(name)}:{${duration}}`;
  return `${snake(name)}:${typeof value === 'string' ? JSON.stringify(value) : String(value)}`;
}
