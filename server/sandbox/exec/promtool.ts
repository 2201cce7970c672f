import { errorMessage } from '#domain';
import { type Command, readFlags, UsageError, value, verbDialect } from '#shell';
import type { PodWorld } from './pod-world.ts';

const MANUAL = `promtool query instant <server> <expression> [--time=…]
promtool query range <server> <expression> [--start=…] [--end=…] [--step=…]
Asks a Prometheus: promtool query instant http://localhost:9090 'sum by (destination_workload) (rate(istio_requests_total[1m]))'`;

type Point = readonly [number, string];

interface Answered {
  readonly status: string;
  readonly errorType?: string;
  readonly error?: string;
  readonly data?: { readonly resultType: string; readonly result: unknown };
}

interface Told {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: Point;
  readonly values?: readonly Point[];
}

/** Prometheus' own tool, as far as it asks a server. */
export const promtool: Command<PodWorld> = {
  name: 'promtool',
  summary: 'ask a Prometheus',
  manual: MANUAL,
  run: async (args, io, world) => {
    const [word, form, ...rest] = args;
    if (word !== 'query' || form === undefined || args.includes('--help')) throw new UsageError(MANUAL);
    const spec = { time: value(), start: value(), end: value(), step: value() };
    const flags = readFlags(rest, spec, verbDialect(`promtool query ${form}`));
    const [server, expression] = flags.words;
    if (server === undefined)
      throw new UsageError("promtool: error: required argument 'server' not provided, try --help");
    const nowS = world.clock.now() / 1000;
    if (form !== 'instant' && form !== 'range') throw new UsageError(`promtool: error: unexpected ${form}, try --help`);
    if (expression === undefined)
      throw new UsageError("promtool: error: required argument 'expr' not provided, try --help");
    const endS = Number(flags.text('end') ?? nowS);
    const startS = Number(flags.text('start') ?? endS - 300);
    const given =
      form === 'instant'
        ? { query: expression, time: flags.text('time') ?? String(nowS) }
        : {
            query: expression,
            start: String(startS),
            end: String(endS),
            step: flags.text('step') ?? String(Math.max(Math.floor((endS - startS) / 250), 1)),
          };
    const answered = await ask(
      world,
      `${server.replace(/\/$/, '')}/api/v1/${form === 'instant' ? 'query' : 'query_range'}`,
      given,
    );
    if (answered.data === undefined) {
      io.err(`query error: ${[answered.errorType, answered.error].filter((part) => part !== undefined).join(': ')}\n`);
      return 1;
    }
    io.out(printed(answered.data));
    return 0;
  },
};

async function ask(world: PodWorld, url: string, given: Readonly<Record<string, string>>): Promise<Answered> {
  let text: string;
  try {
    const answer = await world.fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(given).toString(),
    });
    text = answer.body.toString('utf8');
  } catch (thrown) {
    return { status: 'error', error: `Post "${url}": ${errorMessage(thrown)}` };
  }
  try {
    return JSON.parse(text) as Answered;
  } catch {
    return { status: 'error', errorType: 'bad_response', error: 'this server is no Prometheus' };
  }
}

function printed({ resultType, result }: NonNullable<Answered['data']>): string {
  if (resultType === 'scalar') {
    const [time, value] = result as Point;
    return `scalar: ${value} @[${time}]\n`;
  }
  if (resultType === 'string') return `${(result as Point)[1]}\n`;
  return (result as readonly Told[])
    .map(({ metric, value, values }) =>
      value === undefined
        ? `${series(metric)} =>\n${(values ?? []).map(([time, each]) => `${each} @[${time}]`).join('\n')}\n`
        : `${series(metric)} => ${value[1]} @[${value[0]}]\n`,
    )
    .join('');
}

function series({ __name__: name = '', ...labels }: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return pairs.length === 0 && name !== '' ? name : `${name}{${pairs.join(', ')}}`;
}
