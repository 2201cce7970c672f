import type { FormatSubject } from '../format/subject.ts';
import { compileFormat } from '../format/template.ts';
import { compileJsonFormat } from './access-log/json-format.ts';
import { type FormatString, furtherCommands, textOfFormat } from './format-string.ts';
import { asBytes } from './string-match.ts';

/** A body that is made of the request and its answer. */
export interface BodyFormat {
  readonly write: (subject: FormatSubject) => Buffer;
  readonly contentType: string;
}

/** envoy.config.core.v3.SubstitutionFormatString, as far as it is read. */
export interface BodyFormatJson extends FormatString {
  readonly content_type?: string;
}

/** Reads a SubstitutionFormatString that makes a body. */
export function readBodyFormat(given: BodyFormatJson | undefined): BodyFormat | undefined {
  if (given === undefined) return undefined;
  const omitsEmpty = given.omit_empty_values === true;
  const further = furtherCommands(given);
  if (given.json_format !== undefined) {
    const write = compileJsonFormat(given.json_format, omitsEmpty, 'body_format.json_format', further);
    return {
      // What is UTF-8 in a message is text in JSON.
      write: (subject) => Buffer.from(`${write(subject)}\n`),
      contentType: given.content_type || 'application/json',
    };
  }
  const write = compileFormat(
    asBytes(textOfFormat(given) ?? ''),
    'body_format.text_format_source',
    omitsEmpty ? '' : '-',
    further,
  );
  return { write: (subject) => toBytes(write(subject)), contentType: given.content_type || 'text/plain' };
}

/** Headers come as letters that are bytes; what else a command tells may be any text. */
const toBytes = (text: string): Buffer => Buffer.from(text.replace(/[^\0-\xff]+/g, asBytes), 'latin1');
