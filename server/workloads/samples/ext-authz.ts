import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorMessage } from '#domain';
import type { ContainerContext, WorkloadImage } from '../doors.ts';
import { goHeaders, hostOf } from '../net/go-request.ts';
import { addRawService, decodeFields, encodeFields, type RawHandler, serveGrpc } from '../net/grpc-server.ts';
import { serveWeb } from '../net/web-server.ts';
import { readBody } from '../respond.ts';
import { attributesText } from './check-attributes.ts';

const CHECK = 'x-ext-authz';
const RESULT = 'x-ext-authz-check-result';
const RECEIVED = 'x-ext-authz-check-received';
const OVERRIDE = 'x-ext-authz-additional-header-override';
const GRPC_OVERRIDE = 'grpc-additional-header-override-value';
const DENIED = 'denied by ext_authz for not found header `x-ext-authz: allow` in the request';
const PERMISSION_DENIED = 7;
const FORBIDDEN = 403;
/** Longer values do not fit into a response header. */
const MAX_RECEIVED = 60_000;
const TOO_LONG = '<too-long>';

/** Istio's sample of an external authorizer: HTTP on 8000, Envoy's gRPC service on 9000; lets through what says `x-ext-authz: allow`. */
export const extAuthzImage: WorkloadImage = {
  name: 'ext-authz',
  start: async (context) => {
    const flag = (name: string, fallback: string): string => {
      const words = [...context.command, ...context.args].flatMap((word) => word.replace(/^--?/, '-').split('='));
      const at = words.indexOf(`-${name}`);
      return at < 0 ? fallback : (words[at + 1] ?? fallback);
    };
    const account = flag('allow_service_account', 'a');
    const httpPort = Number(flag('http', '8000'));
    const grpcPort = Number(flag('grpc', '9000'));
    await serveWeb(context, httpPort, (request, response) => {
      checkHttp(context, request, response).catch((thrown: unknown) => {
        context.log(`[HTTP] read body failed: ${errorMessage(thrown)}`);
        response.destroy();
      });
    });
    context.log(`Starting HTTP server at [::]:${httpPort}`);
    await serveGrpc(context, grpcPort, (server) => {
      for (const version of ['v2', 'v3'])
        addRawService(server, `envoy.service.auth.${version}.Authorization`, {
          Check: checkGrpc(context, account, version),
        });
    });
    context.log(`Starting gRPC server at [::]:${grpcPort}`);
  },
};

async function checkHttp(context: ContainerContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBody(request);
  const headers = Object.entries(goHeaders(request)).map(([name, values]) => `${name}:[${values.join(' ')}]`);
  const received = `${request.method} ${hostOf(request)}${request.url}, headers: map[${headers.join(' ')}], body: [${body}]`;
  const allowed = request.headers[CHECK] === 'allow';
  context.log(`[HTTP][${allowed ? 'allowed' : 'denied'}]: ${received}`);
  response.setHeader(RESULT, allowed ? 'allowed' : 'denied');
  response.setHeader(OVERRIDE, request.headers[OVERRIDE] ?? '');
  response.setHeader(RECEIVED, received.replace(/[^\x20-\x7e]/g, ' ').slice(0, MAX_RECEIVED));
  response.writeHead(allowed ? 200 : FORBIDDEN).end(allowed ? '' : DENIED);
}

const textAt = (bytes: Uint8Array | undefined, field: number): string => {
  const found = bytes && decodeFields(bytes).find((each) => each.field === field);
  return found === undefined ? '' : Buffer.from(found.bytes).toString('utf8');
};
const at = (bytes: Uint8Array | undefined, field: number): Uint8Array | undefined =>
  bytes && decodeFields(bytes).find((each) => each.field === field)?.bytes;

interface CheckedRequest {
  readonly principal: string;
  readonly host: string;
  readonly path: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly attributes: string;
}

/** CheckRequest: attributes (1) → source (1) with principal (4), request (4) → http (2): headers (3), path (4), host (5). */
function readCheck(request: Uint8Array): CheckedRequest {
  const attributes = at(request, 1);
  const http = at(at(attributes, 4), 2);
  const headers = http === undefined ? [] : decodeFields(http).filter(({ field }) => field === 3);
  return {
    principal: textAt(at(attributes, 1), 4),
    host: textAt(http, 5),
    path: textAt(http, 4),
    attributes: attributes === undefined ? '' : attributesText(attributes),
    headers: new Map(headers.map(({ bytes }) => [textAt(bytes, 1), textAt(bytes, 2)])),
  };
}

const checkGrpc =
  (context: ContainerContext, account: string, version: string): RawHandler =>
  (call, callback) => {
    const { principal, host, path, headers, attributes } = readCheck(call.request);
    const wish = headers.get(CHECK);
    const allowed = wish === undefined ? principal.endsWith(`/sa/${account}`) : wish === 'allow';
    const result = allowed ? 'allowed' : 'denied';
    context.log(`[gRPC${version}][${result}]: ${host}${path}, attributes: ${attributes}`);
    const answered = [
      option(RESULT, result),
      option(RECEIVED, attributes.length > MAX_RECEIVED ? TOO_LONG : attributes),
      option(OVERRIDE, GRPC_OVERRIDE),
    ].map((bytes) => [2, bytes] as const);
    callback(
      null,
      allowed
        ? encodeFields([
            [1, encodeFields([])],
            [3, encodeFields(answered)],
          ])
        : encodeFields([
            [1, enumField(PERMISSION_DENIED)],
            [2, denial(answered)],
          ]),
    );
  };

const option = (key: string, value: string): Buffer =>
  encodeFields([
    [
      1,
      encodeFields([
        [1, key],
        [2, value],
      ]),
    ],
  ]);

const denial = (headers: readonly (readonly [number, Buffer])[]): Buffer =>
  encodeFields([[1, enumField(FORBIDDEN)], ...headers, [3, DENIED]]);

/** Field 1 as a varint below 2^14: google.rpc.Status.code, HttpStatus.code. */
const enumField = (value: number): Buffer =>
  Buffer.from(value < 0x80 ? [0x08, value] : [0x08, (value & 0x7f) | 0x80, value >> 7]);
