import { expect, it } from 'vitest';
import { type FormatConnection, NO_REQUEST } from '../../../server/data-plane/format/subject.ts';
import { compileFormat } from '../../../server/data-plane/format/template.ts';
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
