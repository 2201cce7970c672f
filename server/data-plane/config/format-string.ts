import { requestHeaderWithoutQuery } from '../format/messages.ts';
import type { CommandReader } from '../format/subject.ts';
import type { FurtherCommands } from '../format/template.ts';
import { ConfigProblem } from './problem.ts';

/** envoy.config.core.v3.SubstitutionFormatString, but for what a body alone has. */
export interface FormatString {
  /** Deprecated for text_format_source. */
  readonly text_format?: string;
  readonly text_format_source?: { readonly inline_string?: string; readonly inline_bytes?: string };
  readonly json_format?: Readonly<Record<string, unknown>>;
  readonly omit_empty_values?: boolean;
  readonly formatters?: readonly { readonly name?: string; readonly typed_config?: { readonly '@type': string } }[];
}

/** The text of a format; undefined where none is named. Throws ConfigProblem for one that stands elsewhere. */
export function textOfFormat({ text_format_source: source, text_format }: FormatString): string | undefined {
  if (source === undefined) return text_format;
  const { inline_string, inline_bytes } = source;
  if (inline_string !== undefined) return inline_string;
  if (inline_bytes !== undefined) return Buffer.from(inline_bytes, 'base64').toString('utf8');
  throw new ConfigProblem('text_format_source', 'is needed here, as inline_string or inline_bytes');
}

const TYPES = 'type.googleapis.com/envoy.extensions.formatter';
const WITHOUT_QUERY: Readonly<Record<string, CommandReader>> = { REQ_WITHOUT_QUERY: requestHeaderWithoutQuery };

/** Commands of `formatters`; those of the others are known to every format. */
const OF_FORMATTERS: Readonly<Record<string, Readonly<Record<string, CommandReader>>>> = {
  [`${TYPES}.req_without_query.v3.ReqWithoutQuery`]: WITHOUT_QUERY,
  [`${TYPES}.metadata.v3.Metadata`]: {},
  [`${TYPES}.cel.v3.Cel`]: {},
};

/** The commands that a format has asked for besides those that all have. Throws ConfigProblem. */
export function furtherCommands({ formatters = [] }: FormatString): FurtherCommands | undefined {
  let further: FurtherCommands | undefined;
  for (const [i, { name = '', typed_config }] of formatters.entries()) {
    const commands = OF_FORMATTERS[typed_config?.['@type'] ?? ''];
    if (commands === undefined) throw new ConfigProblem(`formatters[${i}]`, `Formatter not found: ${name}`);
    if (commands === WITHOUT_QUERY) further = WITHOUT_QUERY;
  }
  return further;
}
