import { create, createFileRegistry, type FileRegistry, fromBinary, toJson } from '@bufbuild/protobuf';
import {
  type FieldDescriptorProto,
  FieldDescriptorProtoSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  file_google_protobuf_wrappers as wrappers,
} from '@bufbuild/protobuf/wkt';
import { type EchoRequest, MAX_ECHO_REQUESTS } from './request.ts';

const DEFAULT_TIMEOUT_MS = 5000;

type Kind = Type | { readonly message: string };

const field = (name: string, number: number, kind: Kind, repeated = false): FieldDescriptorProto =>
  create(FieldDescriptorProtoSchema, {
    name,
    jsonName: name.replace(/_(\w)/g, (_match, letter: string) => letter.toUpperCase()),
    number,
    label: repeated ? Label.REPEATED : Label.OPTIONAL,
    ...(typeof kind === 'object' ? { type: Type.MESSAGE, typeName: kind.message } : { type: kind }),
  });

/** The messages of Istio's echo service, by their numbers on the wire. */
const makeEchoFile = (): FileDescriptorProto =>
  create(FileDescriptorProtoSchema, {
    name: 'test/echo/proto/echo.proto',
    package: 'proto',
    syntax: 'proto3',
    dependency: ['google/protobuf/wrappers.proto'],
    messageType: [
      { name: 'EchoRequest', field: [field('message', 1, Type.STRING)] },
      { name: 'EchoResponse', field: [field('message', 1, Type.STRING)] },
      { name: 'Header', field: [field('key', 1, Type.STRING), field('value', 2, Type.STRING)] },
      { name: 'Alpn', field: [field('value', 1, Type.STRING, true)] },
      {
        name: 'ForwardEchoRequest',
        field: [
          field('count', 1, Type.INT32),
          field('qps', 2, Type.INT32),
          field('timeout_micros', 3, Type.INT64),
          field('url', 4, Type.STRING),
          field('headers', 5, { message: '.proto.Header' }, true),
          field('message', 6, Type.STRING),
          field('http2', 7, Type.BOOL),
          field('serverFirst', 8, Type.BOOL),
          field('method', 9, Type.STRING),
          field('cert', 10, Type.STRING),
          field('key', 11, Type.STRING),
          field('caCert', 12, Type.STRING),
          field('alpn', 13, { message: '.proto.Alpn' }),
          field('followRedirects', 14, Type.BOOL),
          field('http3', 15, Type.BOOL),
          field('certFile', 16, Type.STRING),
          field('keyFile', 17, Type.STRING),
          field('caCertFile', 18, Type.STRING),
          field('insecureSkipVerify', 19, Type.BOOL),
          field('serverName', 20, Type.STRING),
          field('expectedResponse', 21, { message: '.google.protobuf.StringValue' }),
          field('newConnectionPerRequest', 22, Type.BOOL),
          field('forceDNSLookup', 23, Type.BOOL),
        ],
      },
      { name: 'ForwardEchoResponse', field: [field('output', 1, Type.STRING, true)] },
    ],
    service: [
      {
        name: 'EchoTestService',
        method: [
          { name: 'Echo', inputType: '.proto.EchoRequest', outputType: '.proto.EchoResponse' },
          { name: 'ForwardEcho', inputType: '.proto.ForwardEchoRequest', outputType: '.proto.ForwardEchoResponse' },
        ],
      },
    ],
  });

interface EchoMessages {
  readonly files: readonly FileDescriptorProto[];
  readonly registry: FileRegistry;
}

let made: EchoMessages | undefined;

/** Made when the first pod of this image starts: most meshes have none. */
function echoMessages(): EchoMessages {
  if (made === undefined) {
    const file = makeEchoFile();
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [wrappers.proto, file] }));
    made = { files: [file, wrappers.proto], registry };
  }
  return made;
}

/** What reflection tells of the service. */
export const echoFiles = (): readonly FileDescriptorProto[] => echoMessages().files;

/** A ForwardEchoRequest as it reads in JSON; what is not set is absent. */
interface ForwardMessage {
  readonly count?: number;
  readonly qps?: number;
  readonly timeoutMicros?: string;
  readonly url?: string;
  readonly headers?: readonly { readonly key?: string; readonly value?: string }[];
  readonly message?: string;
  readonly http2?: boolean;
  readonly http3?: boolean;
  readonly serverFirst?: boolean;
  readonly method?: string;
  readonly alpn?: { readonly value?: readonly string[] };
  readonly followRedirects?: boolean;
  readonly insecureSkipVerify?: boolean;
  readonly serverName?: string;
  readonly expectedResponse?: string;
}

/** What a ForwardEchoRequest asks for. Throws on a file that is not there, and on what this client does not speak. */
export function forwardRequestOf(bytes: Uint8Array, readFile: (path: string) => Buffer | undefined): EchoRequest {
  const { registry } = echoMessages();
  const schema = registry.getMessage('proto.ForwardEchoRequest');
  if (schema === undefined) throw new Error('no descriptor of ForwardEchoRequest');
  const message = fromBinary(schema, bytes);
  const asked = toJson(schema, message, { registry }) as ForwardMessage & Readonly<Record<string, unknown>>;
  // HBONE (24) and the PROXY protocol (25) would change the way that the requests take.
  const unspoken = message.$unknown?.find(({ no }) => no === 24 || no === 25);
  if (asked.http3 || unspoken !== undefined)
    throw new Error('HTTP/3, HBONE and the PROXY protocol are not spoken here');
  const url = asked.url ?? '';
  const headers = (asked.headers ?? []).map(({ key = '', value = '' }) => [key, value] as const);
  const isHost = ([name]: readonly [string, string]): boolean => name.toLowerCase() === 'host';
  const pem = (name: string): string | undefined => {
    const path = asked[`${name}File`];
    if (typeof path !== 'string') return asked[name] as string | undefined;
    const text = readFile(path)?.toString('utf8');
    if (text === undefined) throw new Error(`open ${path}: no such file or directory`);
    return text;
  };
  return {
    url,
    scheme: url.slice(0, Math.max(url.indexOf(':'), 0)).toLowerCase(),
    count: Math.min(Math.max(asked.count ?? 1, 1), MAX_ECHO_REQUESTS),
    qps: asked.qps ?? 0,
    timeoutMs: asked.timeoutMicros === undefined ? DEFAULT_TIMEOUT_MS : Number(asked.timeoutMicros) / 1000,
    headers: headers.filter((header) => !isHost(header)),
    host: headers.find(isHost)?.[1],
    method: asked.method ?? 'GET',
    message: asked.message ?? '',
    expected: asked.expectedResponse,
    http2: asked.http2 === true,
    followsRedirects: asked.followRedirects === true,
    serverFirst: asked.serverFirst === true,
    tls: {
      alpn: asked.alpn?.value,
      serverName: asked.serverName,
      ca: asked.insecureSkipVerify ? undefined : pem('caCert'),
      cert: pem('cert'),
      key: pem('key'),
    },
  };
}
