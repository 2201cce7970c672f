import { expect, it } from 'vitest';
import type { Any } from '#xds';
import { readLogService } from '../../../server/data-plane/config/access-log/log-service.ts';
import { furtherCommands } from '../../../server/data-plane/config/format-string.ts';
import { formatTime } from '../../../server/data-plane/format/strftime.ts';
import { type FormatConnection, type FormatSubject, NO_REQUEST } from '../../../server/data-plane/format/subject.ts';
import { compileFormat, compileTypedFormat } from '../../../server/data-plane/format/template.ts';
import type { ResponseHead } from '../../../server/data-plane/http/codec.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { StreamInfo } from '../../../server/data-plane/http/stream-info.ts';

const CONNECTION: FormatConnection = {
  direction: 'inbound',
  remoteAddress: { ip: '127.0.0.1', port: 40_000 },
  localAddress: { ip: '127.0.0.1', port: 8080 },
  requestedServerName: '',
  tls: undefined,
};

/** Commands without an argument that Envoy 1.40 takes in the format of an access log, as `envoy --mode validate` tells. */
const PLAIN = `
  ACCESS_LOG_TYPE BYTES_RECEIVED BYTES_RETRANSMITTED BYTES_SENT CONNECTION_ID CONNECTION_TERMINATION_DETAILS
  CUSTOM_FLAGS DOWNSTREAM_CX_RTT DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED
  DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT DOWNSTREAM_DETECTED_CLOSE_TYPE DOWNSTREAM_DIRECT_LOCAL_ADDRESS
  DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT
  DOWNSTREAM_DIRECT_LOCAL_PORT DOWNSTREAM_DIRECT_REMOTE_ADDRESS DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT
  DOWNSTREAM_DIRECT_REMOTE_PORT DOWNSTREAM_HANDSHAKE_DURATION DOWNSTREAM_HEADER_BYTES_RECEIVED
  DOWNSTREAM_HEADER_BYTES_SENT DOWNSTREAM_LOCAL_ADDRESS DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID
  DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT DOWNSTREAM_LOCAL_CLOSE_REASON DOWNSTREAM_LOCAL_DNS_SAN
  DOWNSTREAM_LOCAL_EMAIL_SAN DOWNSTREAM_LOCAL_IP_SAN DOWNSTREAM_LOCAL_OTHERNAME_SAN DOWNSTREAM_LOCAL_PORT
  DOWNSTREAM_LOCAL_SUBJECT DOWNSTREAM_LOCAL_URI_SAN DOWNSTREAM_PEER_CERT DOWNSTREAM_PEER_CERT_V_END
  DOWNSTREAM_PEER_CERT_V_START DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1 DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256
  DOWNSTREAM_PEER_CHAIN_SERIALS DOWNSTREAM_PEER_DNS_SAN DOWNSTREAM_PEER_EMAIL_SAN DOWNSTREAM_PEER_FINGERPRINT_1
  DOWNSTREAM_PEER_FINGERPRINT_256 DOWNSTREAM_PEER_IP_SAN DOWNSTREAM_PEER_ISSUER
  DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256 DOWNSTREAM_PEER_ISSUER_SERIAL DOWNSTREAM_PEER_OTHERNAME_SAN
  DOWNSTREAM_PEER_SERIAL DOWNSTREAM_PEER_SUBJECT DOWNSTREAM_PEER_URI_SAN DOWNSTREAM_REMOTE_ADDRESS
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT DOWNSTREAM_REMOTE_PORT DOWNSTREAM_TLS_CIPHER DOWNSTREAM_TLS_GROUP
  DOWNSTREAM_TLS_SESSION_ID DOWNSTREAM_TLS_VERSION DOWNSTREAM_TRANSPORT_FAILURE_REASON
  DOWNSTREAM_WIRE_BYTES_RECEIVED DOWNSTREAM_WIRE_BYTES_SENT DURATION EMIT_TIME EMIT_TIME_LOCAL FILTER_CHAIN_NAME
  GRPC_STATUS GRPC_STATUS_NUMBER HOSTNAME LISTENER_NAME LOCAL_REPLY_BODY PACKETS_RETRANSMITTED PROTOCOL QUERY_PARAMS
  REQUESTED_SERVER_NAME REQUEST_DURATION REQUEST_HEADERS_BYTES REQUEST_TX_DURATION RESPONSE_CODE
  RESPONSE_CODE_DETAILS RESPONSE_DURATION RESPONSE_FLAGS RESPONSE_FLAGS_LONG RESPONSE_HEADERS_BYTES
  RESPONSE_TRAILERS_BYTES RESPONSE_TX_DURATION ROUNDTRIP_DURATION ROUTE_NAME ROUTE_RESOLUTION_COUNT
  ROUTE_RESOLUTION_TIME_US SPAN_ID START_TIME START_TIME_LOCAL STREAM_ID TLS_JA3_FINGERPRINT TLS_JA4_FINGERPRINT
  TRACE_ID UNIQUE_ID UPSTREAM_CLUSTER UPSTREAM_CLUSTER_RAW UPSTREAM_CONNECTION_ID
  UPSTREAM_CONNECTION_IDS_ATTEMPTED UPSTREAM_CONNECTION_POOL_READY_DURATION
  UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT
  UPSTREAM_DETECTED_CLOSE_TYPE UPSTREAM_HEADER_BYTES_RECEIVED UPSTREAM_HEADER_BYTES_SENT UPSTREAM_HOST
  UPSTREAM_HOSTS_ATTEMPTED UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT UPSTREAM_HOST_NAME
  UPSTREAM_HOST_NAMES_ATTEMPTED UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT UPSTREAM_HOST_NAME_WITHOUT_PORT
  UPSTREAM_LOCAL_ADDRESS UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT UPSTREAM_LOCAL_CLOSE_REASON UPSTREAM_LOCAL_DNS_SAN
  UPSTREAM_LOCAL_IP_SAN UPSTREAM_LOCAL_PORT UPSTREAM_LOCAL_URI_SAN UPSTREAM_PEER_CERT UPSTREAM_PEER_CERT_V_END
  UPSTREAM_PEER_CERT_V_START UPSTREAM_PEER_DNS_SAN UPSTREAM_PEER_IP_SAN UPSTREAM_PEER_ISSUER
  UPSTREAM_PEER_SUBJECT UPSTREAM_PEER_URI_SAN UPSTREAM_PROTOCOL UPSTREAM_REMOTE_ADDRESS
  UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT UPSTREAM_REMOTE_PORT
  UPSTREAM_REQUEST_ATTEMPT_COUNT UPSTREAM_SERVER_NAME UPSTREAM_TLS_CIPHER UPSTREAM_TLS_GROUP
  UPSTREAM_TLS_SESSION_ID UPSTREAM_TLS_VERSION UPSTREAM_TRANSPORT_FAILURE_REASON UPSTREAM_WIRE_BYTES_RECEIVED
  UPSTREAM_WIRE_BYTES_SENT VIRTUAL_CLUSTER_NAME
`
  .trim()
  .split(/\s+/);

/** Those that it knows with an argument only. */
const WITH_ARGUMENT = [
  ['ENVIRONMENT', 'HOME'],
  ['DYNAMIC_METADATA', 'a'],
  ['METADATA', 'ROUTE:a'],
  ['FILTER_STATE', 'a'],
  ['COMMON_DURATION', 'DS_RX_BEG:DS_RX_END:ms'],
  ['QUERY_PARAM', 'a'],
  ['REQ', 'A?B'],
  ['RESP', 'A'],
  ['TRAILER', 'A'],
  ['STREAM_INFO_REQ', 'A?B'],
  ['XFCC_VALUE', 'URI'],
  ['PATH', ':'],
  ['FILTER_STATE', 'a:'],
  ['METADATA', 'ROUTE'],
  ['COALESCE', '{"operators":[{"command":"REQ","param":"a","max_length":2},"PROTOCOL"],"more":1}'],
];

it('takes every command that Envoy takes', () => {
  for (const name of PLAIN) expect(() => compileFormat(`%${name}%`, 'format'), name).not.toThrow();
  for (const [name, argument] of WITH_ARGUMENT) {
    expect(() => compileFormat(`%${name}(${argument})%`, 'format'), name).not.toThrow();
  }
});

it.each(['BOGUS', 'UPSTREAM_PEER_EMAIL_SAN', 'REQUEST_PROPERTY'])('refuses %s, in Envoy’s words', (name) => {
  expect(() => compileFormat(`%${name}%`, 'format')).toThrow(`Not supported field in StreamInfo: ${name}`);
});

it.each([
  ['%PROTOCOL(a)%', 'PROTOCOL does not take any parameters or length'],
  ['%RESPONSE_CODE:3%', 'RESPONSE_CODE does not take any parameters or length'],
  ['%REQ()%', 'REQ requires parameters'],
  ['%DYNAMIC_METADATA%', 'DYNAMIC_METADATA requires parameters'],
  ['%START_TIME(%s):3%', 'START_TIME does not allow length to be specified.'],
  ['%REQ(a?b?c)%', 'More than 1 alternative header specified in token: a?b?c'],
  ['%RESP(a b)%', 'Invalid header configuration. Format string contains invalid characters.'],
  ['%COMMON_DURATION(DS_RX_BEG:DS_RX_END:s)%', 'Invalid common duration precision: s.'],
])('refuses what may not stand behind the name of a command: %s', (format, why) => {
  expect(() => compileFormat(format, 'format')).toThrow(why);
});

it('writes the start of a request to the millisecond, also where second, day or year change', () => {
  const write = compileFormat('%START_TIME%', 'format');
  const times = [0, 999, 1000, 86_399_999, 951_782_399_999, 951_782_400_000, 1_798_761_599_999, 1_798_761_600_000];
  // One after the other and back: what is kept of the second before must not show.
  for (const ms of [...times, ...times.toReversed()]) {
    const info = new StreamInfo(ms, 0);
    expect(write({ head: NO_REQUEST, responseHead: undefined, info, connection: CONNECTION })).toBe(
      new Date(ms).toISOString(),
    );
  }
});

it.each([
  ['REQ_WITHOUT_QUERY(:path)', 'Not supported field in StreamInfo: REQ_WITHOUT_QUERY'],
  ['START_TIME(%Y%En)', 'Invalid header configuration. Format string contains newline.'],
  ['DOWNSTREAM_PEER_CERT_V_END(%n)', 'Invalid header configuration. Format string contains newline.'],
  ['REQ(a):18446744073709551616', "Couldn't find valid command at position 0"],
  ['DYNAMIC_METADATA(a\nb)', "Couldn't find valid command at position 0"],
  ['PATH(NQ:X)', "Invalid PATH option: 'X', only 'ORIG'/'PATH'/'ORIG_OR_PATH' are allowed"],
  ['REQUESTED_SERVER_NAME(X:ORIG)', "option: 'X', only 'SNI_ONLY'/'SNI_FIRST'/'HOST_FIRST' are allowed"],
  ['XFCC_VALUE', 'XFCC_VALUE command requires a subcommand'],
  ['XFCC_VALUE(Nope)', 'XFCC_VALUE command does not support subcommand: nope'],
  ['COALESCE(null)', "COALESCE: JSON configuration must contain 'operators' array"],
  ['COALESCE({"operators":{}})', "COALESCE: 'operators' must be an array"],
  ['COALESCE({"operators":["PROTOCOL",7]})', 'at index 1: operator entry must be either a string'],
  ['COALESCE({"operators":[{"command":"REQ","param":1}]})', "at index 0: 'param' field must be a string"],
  ['COALESCE({"operators":[{"command":"REQ","param":"a","max_length":0}]})', "'max_length' must be a positive integer"],
  [
    'COALESCE({"operators":[{"command":"PROTOCOL","max_length":1}]})',
    'PROTOCOL does not take any parameters or length',
  ],
])('refuses %s, in Envoy’s words', (command, why) => {
  expect(() => compileFormat(`%${command}%`, 'format')).toThrow(why);
});

const asked = (path: string, headers: Record<string, string> = {}): FormatSubject => ({
  head: { ...NO_REQUEST, method: 'GET', path, protocol: 'HTTP/1.1', headers: Headers.of(headers) },
  responseHead: undefined,
  info: new StreamInfo(0, 0),
  connection: CONNECTION,
});
const written = (format: string, subject: FormatSubject): string => compileFormat(format, 'format')(subject);

it.each([
  ['%a %A %b %B %h', 'Sat Saturday Nov November Nov'],
  ['%^a %#b %#p %^P %^c', 'SAT NOV am am SAT NOV 28 09:05:07 2026'],
  ['%d %-d %_H %k %-I %l %e', '28 28  9  9 9  9 28'],
  ['%3S %010d %5Y %-m', '007 0000000028 02026 11'],
  ['%U %W %V %G %g %j %u %w %C %y', '47 47 48 2026 26 332 6 6 20 26'],
  ['%F %T %R %D %r %x %X', '2026-11-28 09:05:07 09:05 11/28/26 09:05:07 AM 11/28/26 09:05:07'],
  ['%EY %Ea %OH %OF', '2026 %Ea 09 %OF'],
  ['%E4Y%ET%E*S %E0S %E3S %E1S', '2026T07.04 07 07.040 07.0'],
  ['%f %3f %E*f %E2f', '040000000 040 04 04'],
  ['%z %Ez %:z %::z %:::z %-z %_z %Z', '+0000 +00:00 +00:00 +00:00:00 +00 +0 +   0 UTC'],
  ['%s %% %q %i', '1795856707 % %q %i'],
])('writes a time by %s as %s', (format, expected) => {
  expect(formatTime(Date.UTC(2026, 10, 28, 9, 5, 7, 40), format, 'utc')).toBe(expected);
});

it('counts weeks at the turn of a year', () => {
  const weeks = (...day: [number, number, number]): string => formatTime(Date.UTC(...day), '%U %W %G-%V', 'utc');
  expect([weeks(2027, 0, 1), weeks(2024, 11, 30), weeks(2023, 0, 1)]).toEqual([
    '00 00 2026-53',
    '52 53 2025-01',
    '01 00 2022-52',
  ]);
});

it('knows the attributes of an expression also where they are empty, as Envoy does', () => {
  const subject: FormatSubject = {
    ...asked('/a', { 'x-a': 'b' }),
    responseHead: { status: 404, reason: '', headers: Headers.of({}) } as unknown as ResponseHead,
  };
  subject.head.authority = 'shop';
  subject.info.status = 404;
  const cel = (expression: string): string => written(`%CEL(${expression})%`, subject);
  expect(cel('request.headers.host')).toBe('shop');
  expect(cel('"host" in request.headers && request.headers["x-a"] == "b"')).toBe('true');
  expect(cel('response.grpc_status')).toBe('12');
  expect(cel('response.total_size > response.size && has(response.trailers)')).toBe('true');
  expect(cel('connection.requested_server_name == "" && xds.filter_chain_name == ""')).toBe('true');
  expect(cel('upstream.request_attempt_count')).toBe('0');
  expect(cel('has(upstream.locality) || has(xds.route_name)')).toBe('false');
});

it('writes what an expression yields by its kind', () => {
  const subject = asked('/a', { 'x-a': 'b' });
  const cel = (expression: string): string => written(`%CEL(${expression})%`, subject);
  expect(['1u', 'duration("90.5s")', 'null', '[1]', '{"a":1}', 'request.headers', 'b"a"'].map(cel)).toEqual([
    '1',
    '90.500s',
    'NULL',
    'CelList value',
    'CelMap value',
    'CelMap value',
    'a',
  ]);
  const typed = (expression: string): unknown => compileTypedFormat(`%TYPED_CEL(${expression})%`, 'format')(subject);
  expect([typed('1u'), typed('duration("1s")'), JSON.stringify(typed('{"b":1,"a":2}'))]).toEqual([
    1,
    '1s',
    '{"a":2,"b":1}',
  ]);
  expect(typed('timestamp("2020-01-01T00:00:00Z")')).toBe('2020-01-01T00:00:00Z');
});

it('tells the parts of a query, decoded as Envoy does', () => {
  const queries = '%QUERY_PARAMS%|%QUERY_PARAMS(DECODED)%|%QUERY_PARAM(a)%';
  expect(written(queries, asked('/?'))).toBe('||-');
  expect(written(queries, asked('/'))).toBe('-|-|-');
  expect(written(queries, asked('/?a=%41%20+%22&b=%zz%4'))).toBe('a=%41%20+%22&b=%zz%4|a=A%20+%22&b=zz%4|A +"');
  expect(written('%QUERY_PARAM(a)%', asked('/?a=%C3%A4'))).toBe('\xc3\xa4');
});

it('tells one value of the certificate’s header, of its oldest element that has it', () => {
  const header = 'By=spiffe://a;Subject="CN=\\"x\\",O=y;z";URI=u1;uri=u2,URI=u3;DNS=d';
  const values = '%XFCC_VALUE(by)%|%XFCC_VALUE(Subject)%|%XFCC_VALUE(uri)%|%XFCC_VALUE(dns)%|%XFCC_VALUE(hash)%';
  expect(written(values, asked('/', { 'x-forwarded-client-cert': header }))).toBe('spiffe://a|CN="x",O=y;z|u1|d|-');
  const open = { 'x-forwarded-client-cert': 'Hash=1,Subject="CN=x;URI=u' };
  expect(written('%XFCC_VALUE(hash)%|%XFCC_VALUE(uri)%', asked('/', open))).toBe('1|-');
});

it('takes the first command that has a value, were it an empty one, and cuts structures in texts alone', () => {
  const subject = {
    ...asked('/', { 'x-empty': '' }),
    resourceMetadata: () => ({ filter_metadata: { a: { b: [1, 2] } } }),
  };
  const first = '%COALESCE({"operators":[{"command":"REQ","param":"x-empty"},"PROTOCOL"]})%';
  expect(written(first, subject)).toBe('');
  const cut = '%COALESCE({"operators":[{"command":"METADATA","param":"ROUTE:a:b","max_length":2}]})%';
  expect(written(`${cut} %METADATA(ROUTE:a):4%`, subject)).toBe('[1 {"b"');
  expect(compileTypedFormat(cut, 'format')(subject)).toEqual([1, 2]);
});

it('takes from the formatters of a format the commands that they bring', () => {
  const type = 'type.googleapis.com/envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery';
  const formatters = [{ name: 'any', typed_config: { '@type': type } }];
  const write = compileFormat('%REQ_WITHOUT_QUERY(:path)%', 'format', '-', furtherCommands({ formatters }));
  expect(write(asked('/a?b'))).toBe('/a');
  const log = {
    '@type': 'type.googleapis.com/envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig',
    common_config: {
      log_name: 'a',
      transport_api_version: 'V3',
      grpc_service: { envoy_grpc: { cluster_name: 'logs' } },
    },
    body: { string_value: '%REQ_WITHOUT_QUERY(:path)%' },
  };
  expect(() => readLogService(log)).toThrow('Not supported field in StreamInfo: REQ_WITHOUT_QUERY');
  expect(readLogService({ ...log, formatters } as Any)).toBeTypeOf('function');
  const other = [{ name: 'any', typed_config: { '@type': `${type}2` } }];
  expect(() => furtherCommands({ formatters: other })).toThrow('Formatter not found: any');
});

it('tells the listener that took the connection', () => {
  const info = new StreamInfo(0, 0);
  const made = (name?: string): string =>
    compileFormat(
      '%LISTENER_NAME%',
      'format',
    )({
      head: NO_REQUEST,
      responseHead: undefined,
      info,
      connection: name === undefined ? CONNECTION : { ...CONNECTION, listener: { name } },
    });
  expect([made('virtualInbound'), made(''), made()]).toEqual(['virtualInbound', '-', '-']);
});

it('tells the connection and the host of the last try, and how long it took to connect', () => {
  const info = new StreamInfo(0, 1000);
  const head = { ...NO_REQUEST, method: 'GET' };
  const made = (format: string): string =>
    compileFormat(
      format,
      'format',
    )({ head, responseHead: undefined, info, connection: { ...CONNECTION, beganAt: 900 } });
  const connection = '%UPSTREAM_CONNECTION_ID% %UPSTREAM_CONNECTION_IDS_ATTEMPTED%';
  const hosts = '%UPSTREAM_HOSTS_ATTEMPTED% %UPSTREAM_DETECTED_CLOSE_TYPE%';
  expect([made(connection), made(hosts)]).toEqual(['0 -', '- -']);
  info.upstreamHost = '10.0.0.1:80';
  info.upstreamLocalAddress = '10.0.0.9:1234';
  info.upstreamConnection = { id: 7, begunAt: 500, connectedAt: 502, securedAt: undefined };
  expect([made(connection), made(hosts)]).toEqual(['7 7', '10.0.0.1:80 Normal']);
  info.forgetTry();
  info.hostsTriedBefore = ['10.0.0.1:80'];
  info.upstreamHost = '10.0.0.2:80';
  expect([made(connection), made(hosts)]).toEqual(['0 -', '- Normal']);
  info.upstreamLocalAddress = '10.0.0.9:1235';
  info.upstreamConnection = { id: 9, begunAt: 1001, connectedAt: 1003.5, securedAt: 1004 };
  expect([made(connection), made(hosts)]).toEqual(['9 9', '10.0.0.2:80 Normal']);
  const spans = [
    'US_CX_BEG:US_CX_END:us',
    'US_CX_END:US_HS_END:us',
    'DS_CX_BEG:DS_RX_BEG:ms',
    'US_CX_BEG:DS_RX_BEG:ms',
  ];
  expect(spans.map((span) => made(`%COMMON_DURATION(${span})%`))).toEqual(['2500', '500', '100', '-']);
});

it('tells of a connection every host that it was tried with, how it ended and why', () => {
  const info = new StreamInfo(0, 1000);
  info.hostsTriedBefore = ['10.0.0.1:80'];
  info.upstreamHost = '10.0.0.2:80';
  info.closes('rbac_deny_close');
  info.closes('later', 'tcp_session_idle_timeout');
  info.ending!.upstream = 'RemoteReset';
  const made = (format: string): string =>
    compileFormat(format, 'format')({ head: NO_REQUEST, responseHead: undefined, info, connection: CONNECTION });
  expect(made('%UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT%')).toBe('10.0.0.1,10.0.0.2');
  expect(made('%DOWNSTREAM_DETECTED_CLOSE_TYPE% %DOWNSTREAM_LOCAL_CLOSE_REASON%')).toBe('Normal rbac_deny_close');
  expect(made('%UPSTREAM_DETECTED_CLOSE_TYPE% %UPSTREAM_LOCAL_CLOSE_REASON%')).toBe(
    'RemoteReset tcp_session_idle_timeout',
  );
});

it('counts the handshake of a client from where its request begins', () => {
  const info = new StreamInfo(0, 1000);
  const made = (securedAt: number): string =>
    compileFormat(
      '%DOWNSTREAM_HANDSHAKE_DURATION% %COMMON_DURATION(DS_CX_BEG:DS_HS_END:us)%',
      'format',
    )({ head: NO_REQUEST, responseHead: undefined, info, connection: { ...CONNECTION, beganAt: 900, securedAt } });
  expect([made(901.5), made(1000), made(1004.7)]).toEqual(['-98 1500', '0 100000', '4 104700']);
});

it('tells the end of a connection of the line of a connection alone, and the end of an answer of that of a request', () => {
  const made = (protocol: string, logType = ''): string => {
    const info = new StreamInfo(0, 1000);
    info.durationMs = 5;
    info.logType = logType;
    const head = { ...NO_REQUEST, protocol, ...(protocol !== '' && logType === '' && { method: 'GET' }) };
    const format = ['DS_RX_HDR_END', 'DS_TX_END', 'DS_CX_END'].map((end) => `%COMMON_DURATION(DS_RX_BEG:${end})%`);
    return compileFormat(format.join(' '), 'format')({ head, responseHead: undefined, info, connection: CONNECTION });
  };
  expect([made('HTTP/1.1'), made(''), made('', 'TcpPeriodic'), made('HTTP/1.1', 'NotSet')]).toEqual([
    '0 5 -',
    '- - 5',
    '- - -',
    '- - -',
  ]);
});
