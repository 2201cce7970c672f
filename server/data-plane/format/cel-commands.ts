import { compileCelText, compileCelValue } from './cel.ts';
import type { CommandReader, FormatValue } from './subject.ts';

const typed: CommandReader = (argument, field) => {
  const evaluate = compileCelValue(argument, field);
  return (subject) => evaluate(subject) as FormatValue;
};

const asText: CommandReader = (argument, field) => compileCelText(argument, field);

/** Expressions over Envoy's attributes; what fails has no value. */
export const CEL_COMMANDS: Readonly<Record<string, CommandReader>> = { CEL: asText, TYPED_CEL: typed };
