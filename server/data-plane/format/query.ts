import { ConfigProblem } from '../config/problem.ts';
import type { CommandReader, FormatSubject } from './subject.ts';

/** Behind a question mark that nothing follows stands an empty query. */
const queryOf = ({ head }: FormatSubject): string | undefined => /\?(.*)$/s.exec(head.path)?.[1];

/** Each byte as a letter, as the texts of messages are. */
const decoded = (text: string): string =>
  text.replaceAll(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** The first parameter of the name; a plus stays one. */
const queryParameter: CommandReader = (name) => (subject) => {
  for (const pair of queryOf(subject)?.split('&') ?? []) {
    const equals = pair.indexOf('=');
    if (pair !== '' && decoded(equals < 0 ? pair : pair.slice(0, equals)) === name)
      return equals < 0 ? '' : decoded(pair.slice(equals + 1));
  }
  return undefined;
};

/** Letters that mean themselves in a query, and stand for their code only there. */
const PLAIN = /^[!#$%&'()*+,\-./0-9:;=?@A-Z[\]_`a-z~]$/;

/** As Envoy decodes a whole query: letters that may stand in one. Of a code that is none, the percent sign is left out. */
const decodedQuery = (query: string): string =>
  query.replaceAll(/%(?:([\da-f]{2})|(?=..))/gis, (whole: string, hex: string | undefined) => {
    if (hex === undefined) return '';
    const letter = String.fromCharCode(Number.parseInt(hex, 16));
    return PLAIN.test(letter) ? letter : whole;
  });

const queryParameters: CommandReader = (argument, field) => {
  if (!['', 'ORIG', 'DECODED'].includes(argument)) {
    throw new ConfigProblem(field, `Invalid QUERY_PARAMS option: '${argument}', only 'ORIG'/'DECODED' are allowed`);
  }
  if (argument !== 'DECODED') return queryOf;
  return (subject) => {
    const query = queryOf(subject);
    return query && decodedQuery(query);
  };
};

/** What stands behind the question mark of a path. */
export const QUERY_COMMANDS: Readonly<Record<string, CommandReader>> = {
  QUERY_PARAM: queryParameter,
  QUERY_PARAMS: queryParameters,
};
