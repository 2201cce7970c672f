import type { HeaderValueOption } from '#xds';
import { applyRule } from '../http/apply-rules.ts';
import type { Exchange } from '../http/exchange.ts';
import { isGrpc } from '../http/grpc.ts';
import type { LocalReply } from '../http/local-reply.ts';
import { type AccessLogFilter, readAccessLogFilter } from './access-log/filter.ts';
import { type BodyFormat, type BodyFormatJson, readBodyFormat } from './body-format.ts';
import { compileHeaderRule, type HeaderRule } from './header-rules.ts';
import { within } from './problem.ts';

/** envoy.extensions.filters.network.http_connection_manager.v3.LocalReplyConfig. */
export interface LocalReplyJson {
  readonly mappers?: readonly MapperJson[];
  readonly body_format?: BodyFormatJson;
}

interface MapperJson {
  readonly filter?: AccessLogFilter;
  readonly status_code?: number;
  readonly body?: { readonly inline_string?: string; readonly inline_bytes?: string };
  readonly body_format_override?: BodyFormatJson;
  readonly headers_to_add?: readonly HeaderValueOption[];
}

/** Gives an answer that this proxy makes itself the form that its listener wants. */
export type LocalReplyRewrite = (reply: LocalReply, exchange: Exchange) => LocalReply;

interface Mapper {
  readonly concerns: (exchange: Exchange) => boolean;
  readonly status: number | undefined;
  readonly body: Buffer | undefined;
  readonly format: BodyFormat | undefined;
  readonly headers: readonly HeaderRule[];
}

/** Reads `local_reply_config`. The first mapper whose filter holds counts. Source: local_reply.cc in Envoy. */
export function readLocalReply(given: LocalReplyJson | undefined): LocalReplyRewrite | undefined {
  if (given === undefined) return undefined;
  const mappers = (given.mappers ?? []).map((mapper, i) =>
    within(`local_reply_config.mappers[${i}]`, () => readMapper(mapper)),
  );
  const format = readBodyFormat(given.body_format);
  return (reply, exchange) => {
    const { info } = exchange;
    const before = info.status;
    info.status = reply.status;
    const mapper = mappers.find(({ concerns }) => concerns(exchange));
    const status = mapper?.status ?? reply.status;
    const body = mapper?.body ?? reply.body;
    const added = mapper !== undefined && mapper.headers.length > 0 ? addHeaders(exchange, mapper.headers) : undefined;
    info.status = status;
    const form = mapper?.format ?? format;
    const text = form === undefined ? body : bodyOf(form, exchange, body);
    // As in Envoy, headers of routes are written before any of this counts.
    info.status = before;
    return {
      ...reply,
      status,
      ...(text !== undefined && { body: text }),
      ...typeOf(form?.contentType, Buffer.from(text ?? '').equals(Buffer.from(reply.body ?? ''))),
      ...(added && { typed: added }),
    };
  };
}

/** As in Envoy, that of a body which is another one now comes before any; the usual one does not where the body is the same. */
const typeOf = (type = 'text/plain', isSame = false): Pick<LocalReply, 'contentType'> =>
  isSame && type === 'text/plain' ? {} : { contentType: type };

/** As in Envoy, made before the answer has its new status. */
function addHeaders(exchange: Exchange, rules: readonly HeaderRule[]): { byHeaders: boolean } {
  const made = rules.map((rule) => ({ rule, text: rule.value(exchange) }));
  const typed = { byHeaders: false };
  exchange.editResponse(({ headers }) => {
    const before = headers.get('content-type');
    for (const { rule, text } of made) applyRule({ ...rule, value: () => text }, exchange, headers);
    typed.byHeaders = headers.get('content-type') !== before;
  });
  return typed;
}

/** A body that is made of the exchange and of the body that it takes the place of. */
export function formattedBody(exchange: Exchange, { write }: BodyFormat, given: LocalReply['body']): Buffer {
  exchange.info.localReplyBody = given === undefined ? '' : Buffer.from(given).toString('latin1');
  const body = write(exchange);
  exchange.info.localReplyBody = '';
  return body;
}

/** A message of gRPC is no line. */
function bodyOf(form: BodyFormat, exchange: Exchange, given: LocalReply['body']): Buffer {
  const { contentType } = form;
  const body = formattedBody(exchange, form, given);
  const grpc = exchange.cameAsGrpc ?? isGrpc(exchange.head.headers);
  return grpc && contentType === 'application/json' ? body.subarray(0, -1) : body;
}

function readMapper(given: MapperJson): Mapper {
  const { body } = given;
  return {
    concerns: within('filter', () => readAccessLogFilter(given.filter ?? {})),
    status: given.status_code,
    body:
      body === undefined
        ? undefined
        : body.inline_bytes === undefined
          ? Buffer.from(body.inline_string ?? '')
          : Buffer.from(body.inline_bytes, 'base64'),
    format: readBodyFormat(given.body_format_override),
    headers: (given.headers_to_add ?? []).map((option, i) => compileHeaderRule(option, `headers_to_add[${i}]`)),
  };
}
