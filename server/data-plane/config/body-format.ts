import type { FormatSubject } from '../format/subject.ts';
import { compileFormat } from '../format/template.ts';
import { compileJsonFormat } from './access-log/json-format.ts';
import { asBytes } from './string-match.ts';

/** A body that is made of the request and its answer. */
export interface BodyFormat {
  readonly write: (subject: FormatSubject) => Buffer;
  readonly contentType: string;
}

/** envoy.config.core.v3.SubstitutionFormatString, as far as it is read. */
export interface BodyFormatJson {
  /** Deprecated for text_format_source. */
  readonly text_format?: string;
  readonly text_format_source?: { readonly inline_string?: string };
  readonly json_format?: Readonly<Record<string, unknown>>;
  readonly content_type?: string;
}

/** Reads a SubstitutionFormatString that makes a body. */
export function readBodyFormat(given: BodyFormatJson | undefined): BodyFormat | undefined {
  if (given === undefined) return undefined;
  if (given.json_format !== undefined) {
    const format = JSON.parse(asBytes(JSON.stringify(given.json_format))) as typeof given.json_format;
    const write = compileJsonFormat(format, false, 'body_format.json_format');
    return {
      write: (subject) => toBytes(`${write(subject)}\n`),
      contentType: given.content_type || 'application/json',
    };
  }
  const write = compileFormat(
    asBytes(given.text_format_source?.inline_string ?? given.text_format ?? ''),
    'body_format.text_format_source',
  );
  return { write: (subject) => toBytes(write(subject)), contentType: given.content_type || 'text/plain' };
}

/** Headers come as letters that are bytes; what else a command tells may be any text. */
const toBytes = (text: string): Buffer => Buffer.from(text.replace(/[^\0-\xff]+/g, asBytes), 'latin1');
