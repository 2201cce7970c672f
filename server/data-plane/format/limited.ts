import type { Command } from './subject.ts';

/** A command that is cut to a length. A structure or a number keeps its whole value, and is cut where it is written into a text. */
export function limited(command: Command, length: number): Command {
  const value: Command = (subject) => {
    const whole = command(subject);
    return typeof whole === 'string' ? whole.slice(0, length) : whole;
  };
  const read = inText(command);
  const asText: Command = (subject) => {
    const whole = read(subject);
    if (whole === undefined) return undefined;
    return (typeof whole === 'object' ? JSON.stringify(whole) : String(whole)).slice(0, length);
  };
  return Object.assign(value, { asText });
}

/** The command as it stands in a text. */
export const inText = (command: Command): Command => command.asText ?? command;
