import { GRPC_STATUS_NAMES, readGrpcStatus } from '#domain';
import { ConfigProblem } from '../config/problem.ts';
import type { ResponseHead } from '../http/codec.ts';
import { grpcStatusOf, isGrpc } from '../http/grpc.ts';
import type { Headers } from '../http/headers.ts';
import { isInlineInAnswers, isInlineInRequests } from '../http/inline-headers.ts';
import { QUERY_COMMANDS } from './query.ts';
import { type CommandReader, type FormatHead, type FormatSubject, text } from './subject.ts';

/** A Host that says nothing is there all the same. */
const hostOf = ({ authority, method, refusal }: FormatHead): string | undefined =>
  authority !== '' || (method !== '' && refusal === undefined) ? authority : undefined;

const PSEUDO: Readonly<Record<string, (head: FormatHead) => string | undefined>> = {
  ':method': (head) => head.method,
  ':path': (head) => head.path,
  ':authority': hostOf,
  host: hostOf,
  ':scheme': (head) => head.scheme,
  ':protocol': (head) => head.headers.get('upgrade') ?? '',
};

const NAME = /^:?[!#$%&'*+\-.^_`|~0-9A-Za-z]*$/;

/** `NAME?ALTERNATIVE`, in lower case. */
function namesIn(argument: string, field: string): string[] {
  const names = argument.toLowerCase().split('?');
  if (names.length > 2)
    throw new ConfigProblem(field, `More than 1 alternative header specified in token: ${argument}`);
  if (!names.every((name) => NAME.test(name)))
    throw new ConfigProblem(field, 'Invalid header configuration. Format string contains invalid characters.');
  return names;
}

/** Of a header with several lines, Envoy's formats show the first. */
const readLine = (name: string, inline: boolean): ((message: { readonly headers: Headers }) => string | undefined) =>
  inline ? ({ headers }) => headers.joined(name) : ({ headers }) => headers.get(name);

const requestHeader: CommandReader = (argument, field) => {
  const readers = namesIn(argument, field).map(readField);
  const [only] = readers;
  if (only !== undefined && readers.length === 1) return ({ head }) => only(head);
  return ({ head }) => {
    for (const read of readers) {
      const value = read(head);
      if (value !== undefined) return value;
    }
    return undefined;
  };
};

/** A header that is there may be empty; what stands in a request line is empty only where there is none. */
function readField(name: string): (head: FormatHead) => string | undefined {
  const pseudo = PSEUDO[name];
  if (pseudo === undefined) return readLine(name, isInlineInRequests(name));
  return pseudo === hostOf ? hostOf : (head) => text(pseudo(head));
}

const withoutQuery = (path: string): string => path.replace(/\?.*$/s, '');

/** `%REQ_WITHOUT_QUERY(…)%`, which a format has to ask for. */
export const requestHeaderWithoutQuery: CommandReader = (argument, field) => {
  const read = requestHeader(argument, field);
  return (subject) => text(withoutQuery(String(read(subject) ?? '')));
};

const responseHeader: CommandReader = (argument, field) => {
  const readers = namesIn(argument, field).map((name) =>
    name === ':status' ? ({ status }: ResponseHead): string => String(status) : readLine(name, isInlineInAnswers(name)),
  );
  return ({ responseHead }) => {
    if (responseHead === undefined) return undefined;
    for (const read of readers) {
      const value = read(responseHead);
      if (value !== undefined) return value;
    }
    return undefined;
  };
};

const responseTrailer: CommandReader = (argument, field) => {
  const names = namesIn(argument, field);
  return ({ responseTrailers }) => {
    for (const name of names) {
      const value = responseTrailers?.joined(name);
      if (value !== undefined) return value;
    }
    return undefined;
  };
};

/** `INVALID_ARGUMENT` → `InvalidArgument`; two names are spelled in their own way. */
const camel = (name: string): string =>
  ({ OK: 'OK', CANCELLED: 'Canceled' })[name] ??
  name
    .split('_')
    .map((word) => word[0] + word.slice(1).toLowerCase())
    .join('');

/** Envoy's number for a status that is none. */
const INVALID_CODE = -1;

/** Envoy takes it from trailers, then from headers, then from what the HTTP status stands for. */
function grpcNumber({ head, responseHead, responseTrailers }: FormatSubject): number | undefined {
  if (!isGrpc(head.headers)) return undefined;
  const given = responseTrailers?.get('grpc-status') || responseHead?.headers.get('grpc-status');
  if (!given) return responseHead === undefined ? undefined : grpcStatusOf(responseHead.status);
  return readGrpcStatus(given) ?? INVALID_CODE;
}

const grpcStatus: CommandReader = (argument, field) => {
  const spelling = argument === '' ? 'CAMEL_STRING' : argument.toUpperCase();
  if (spelling === 'NUMBER') return grpcNumber;
  if (spelling !== 'CAMEL_STRING' && spelling !== 'SNAKE_STRING') {
    throw new ConfigProblem(field, 'GrpcStatusFormatter only supports CAMEL_STRING, SNAKE_STRING or NUMBER.');
  }
  return (subject) => {
    const number = grpcNumber(subject);
    if (number === undefined) return undefined;
    const name = GRPC_STATUS_NAMES[number];
    if (name === undefined) return String(number);
    return spelling === 'SNAKE_STRING' ? name : camel(name);
  };
};

const pathOption: CommandReader = (argument, field) => {
  const [query = '', source = ''] = argument.split(':');
  if (!['WQ', 'NQ', ''].includes(query))
    throw new ConfigProblem(field, `Invalid PATH option: '${query}', only 'WQ'/'NQ' are allowed`);
  if (!['ORIG', 'PATH', 'ORIG_OR_PATH', ''].includes(source)) {
    throw new ConfigProblem(field, `Invalid PATH option: '${source}', only 'ORIG'/'PATH'/'ORIG_OR_PATH' are allowed`);
  }
  return ({ head }) => {
    const original = source === 'PATH' ? undefined : head.headers.get('x-envoy-original-path');
    const path = original ?? (source === 'ORIG' ? '' : head.path);
    return text(query === 'NQ' ? withoutQuery(path) : path);
  };
};

/** Names and values, without the bytes that frame them. */
function bytesOf(headers: Headers | undefined, further: readonly string[] = []): number {
  const texts = headers === undefined ? further : [...headers.flat, ...further];
  return texts.reduce((sum, each) => sum + each.length, 0);
}

export const requestHeadersBytes = ({ head }: FormatSubject): number =>
  head.method === ''
    ? 0
    : bytesOf(head.headers, [':method', head.method, ':path', head.path, ':authority', head.authority]) +
      bytesOf(undefined, [':scheme', head.scheme]);

export const responseHeadersBytes = ({ responseHead }: FormatSubject): number =>
  responseHead === undefined ? 0 : bytesOf(responseHead.headers, [':status', String(responseHead.status)]);

/** What a request and its answer carry. */
export const MESSAGE_COMMANDS: Readonly<Record<string, CommandReader>> = {
  REQ: requestHeader,
  REQUEST_HEADER: requestHeader,
  STREAM_INFO_REQ: requestHeader,
  RESP: responseHeader,
  RESPONSE_HEADER: responseHeader,
  TRAILER: responseTrailer,
  RESPONSE_TRAILER: responseTrailer,
  GRPC_STATUS: grpcStatus,
  GRPC_STATUS_NUMBER: () => grpcNumber,
  PATH: pathOption,
  ...QUERY_COMMANDS,
  REQUEST_HEADERS_BYTES: () => requestHeadersBytes,
  RESPONSE_HEADERS_BYTES: () => responseHeadersBytes,
  RESPONSE_TRAILERS_BYTES:
    () =>
    ({ responseTrailers }) =>
      bytesOf(responseTrailers),
};
