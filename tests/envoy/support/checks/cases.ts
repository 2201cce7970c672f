import type { PairCase } from '../pairs/case-file.ts';
import { type Dice, dice } from '../walks/dice.ts';
import type { Meeting, Script } from './scripted-checks.ts';

/** A cluster whose one host is checked, and how that host meets the checks. */
export interface CheckedCase {
  readonly given: PairCase;
  readonly script: Script;
}

/** Health checks of all kinds. */
export const checkedCases = (seed: string, count: number): CheckedCase[] =>
  Array.from({ length: count }, (_, i) => {
    const roll = dice(`${seed}/checks/${i}`);
    const name = `h${i}`;
    const { check, script, cluster = {} } = roll.one([http, http, http, tcp, h2, grpc])(roll);
    return {
      script,
      given: {
        name,
        routes: [{ match: { prefix: '/' }, route: { cluster: 'c' } }],
        requests: [],
        clusters: {
          c: {
            hosts: [{ host: name, ...roll.maybe(30, () => ({ hostname: 'host.test' })) }],
            health_checks: [{ ...common(roll), ...check }],
            ...roll.maybe(30, () => ({ common_lb_config: { ignore_new_hosts_until_first_hc: true } })),
            ...cluster,
          },
        },
      },
    };
  });

interface Drawn {
  readonly check: object;
  readonly script: Script;
  readonly cluster?: object;
}

const common = (roll: Dice): object => ({
  timeout: '100s',
  interval: '0.02s',
  no_traffic_interval: '0.02s',
  unhealthy_threshold: 1 + roll.below(3),
  healthy_threshold: 1 + roll.below(3),
  event_log_path: '/dev/stdout',
  ...roll.maybe(40, () => ({ always_log_health_check_failures: true })),
  ...roll.maybe(30, () => ({ always_log_health_check_success: true })),
  ...roll.maybe(30, () => ({ reuse_connection: roll.chance(50) })),
  ...roll.maybe(20, () => ({ initial_jitter: '0.01s', interval_jitter: '0.01s', interval_jitter_percent: 20 })),
});

const hex = (text: string): string => Buffer.from(text).toString('hex');
const meetings = (roll: Dice, draw: (roll: Dice) => Meeting): Meeting[] =>
  Array.from({ length: 4 + roll.below(8) }, () => draw(roll));

const http = (roll: Dice): Drawn => {
  const method = roll.one(['GET', 'GET', 'HEAD', 'POST', 'PUT', 'OPTIONS', 'DELETE', 'PATCH']);
  return {
    check: { http_health_check: { ...request(roll), ...(method !== 'GET' && { method }), ...payload(roll, method) } },
    script: { kind: 'bytes', meetings: meetings(roll, (draw) => answer(draw, method === 'HEAD')) },
  };
};

const payload = (roll: Dice, method: string): object => ({
  ...(['POST', 'PUT', 'PATCH', 'OPTIONS'].includes(method) &&
    roll.chance(50) && { send: { text: hex('are you well') } }),
  ...roll.maybe(30, () => ({
    receive: roll.one([
      [{ text: hex('well') }],
      [{ text: hex('I am') }, { text: hex('well') }],
      [{ text: hex('well') }, { text: hex('I') }],
    ]),
  })),
  ...roll.maybe(20, () => ({ response_buffer_size: roll.one(['0', '4', '2048']) })),
});

const request = (roll: Dice): object => ({
  path: roll.one(['/healthz', '/healthz?full=1', '/']),
  ...roll.maybe(40, () => ({ host: 'check.test' })),
  ...roll.maybe(40, () => ({
    request_headers_to_add: roll.some(
      [
        { header: { key: 'x-check', value: '1' } },
        {
          header: {
            key: 'x-place',
            value: '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%|%PROTOCOL%|%UPSTREAM_CLUSTER%|%REQ(:PATH)%',
          },
        },
        { header: { key: 'user-agent', value: 'mine' }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' },
        { header: { key: 'x-host', value: '%REQ(:AUTHORITY)%' } },
      ],
      60,
    ),
  })),
  ...roll.maybe(20, () => ({ request_headers_to_remove: roll.one([['user-agent'], ['x-check', 'x-place']]) })),
  ...roll.maybe(40, () => ({
    expected_statuses: roll.one([[{ start: 200, end: 300 }], [{ start: 503, end: 504 }], [{ start: 100, end: 600 }]]),
  })),
  ...roll.maybe(40, () => ({ retriable_statuses: roll.one([[{ start: 503, end: 504 }], [{ start: 400, end: 600 }]]) })),
  ...roll.maybe(20, () => ({
    service_name_matcher: roll.one([{ prefix: 'loc' }, { exact: 'local' }, { suffix: 'al', ignore_case: true }]),
  })),
});

function answer(roll: Dice, bodiless: boolean): Meeting {
  const odd = roll.below(100);
  if (odd < 6) return { how: 'close' };
  if (odd < 12) return { how: 'reset' };
  if (odd < 15) return { bytes: 'garbage\r\n\r\n', closes: true };
  if (odd < 18) return { bytes: 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf', closes: true };
  if (odd < 21) return { bytes: 'HTTP/1.1 200 OK\r\n\r\nI am well', closes: true };
  const { status, lines, body: given } = told(roll);
  const body = status === 204 ? '' : given;
  const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
  const closes = roll.chance(10);
  const before = roll.chance(6) ? 'HTTP/1.1 100 Continue\r\n\r\n' : '';
  const close = closes ? 'connection: close\r\n' : '';
  const text = `HTTP/1.1 ${status} Told\r\n${head.join('')}${close}${status === 204 ? '' : `content-length: ${body.length}\r\n`}\r\n${bodiless ? '' : body}`;
  return { bytes: before + text, ...(closes && { closes: true }) };
}

const told = (roll: Dice): { status: number; lines: Record<string, string>; body: string } => ({
  status: roll.one([200, 200, 200, 200, 201, 204, 301, 404, 429, 500, 503, 503]),
  lines: {
    ...roll.maybe(12, () => ({ 'x-envoy-degraded': 'true' })),
    ...roll.maybe(8, () => ({ 'x-envoy-immediate-health-check-fail': 'true' })),
    ...roll.maybe(50, () => ({
      'x-envoy-upstream-healthchecked-cluster': roll.one(['local', 'LOCAL', 'other', 'local-one']),
    })),
  } as Record<string, string>,
  body: roll.one(['', 'I am well', 'I am not', 'well, I am']),
});

const h2 = (roll: Dice): Drawn => ({
  check: { http_health_check: { ...request(roll), codec_client_type: 'HTTP2' } },
  script: {
    kind: 'h2',
    meetings: meetings(roll, (draw) => {
      const odd = draw.below(100);
      if (odd < 10) return { how: 'reset' };
      const { status, lines, body } = told(draw);
      return { h2: { ':status': status, ...lines }, ...(status !== 204 && { body }) };
    }),
  },
});

const frame = (message: readonly number[]): string => String.fromCharCode(0, 0, 0, 0, message.length, ...message);

const grpc = (roll: Dice): Drawn => ({
  check: {
    grpc_health_check: {
      ...roll.maybe(50, () => ({ service_name: 'a.Service' })),
      ...roll.maybe(30, () => ({ authority: 'check.test' })),
      ...roll.maybe(30, () => ({ initial_metadata: [{ header: { key: 'x-check', value: '1' } }] })),
    },
  },
  cluster: {
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
  },
  script: {
    kind: 'h2',
    meetings: meetings(roll, (draw) => {
      const odd = draw.below(100);
      if (odd < 8) return { how: 'reset' };
      const type = {
        'content-type': draw.one([
          'application/grpc',
          'application/grpc',
          'application/grpc',
          'application/grpc+proto',
          'text/plain',
        ]),
      };
      if (odd < 14) return { h2: { ':status': 503, ...type } };
      if (odd < 22) return { h2: { ':status': 200, ...type, 'grpc-status': String(draw.one([0, 12, 14])) } };
      return {
        h2: { ':status': 200, ...type },
        body: frame(draw.one([[8, 1], [8, 1], [8, 1], [8, 2], [8, 0], [], [8, 3], [0xff]])),
        trailers: { 'grpc-status': String(draw.one([0, 0, 0, 0, 5, 14])) },
      };
    }),
  },
});

const tcp = (roll: Dice): Drawn => {
  const send = true;
  const receives = true;
  return {
    check: {
      tcp_health_check: {
        ...(send && { send: { text: hex('PING') } }),
        ...(receives && { receive: [{ text: hex('PO') }, { text: hex('NG') }] }),
      },
    },
    script: {
      kind: receives ? 'bytes' : 'connections',
      length: 4,
      meetings: meetings(roll, (draw) =>
        draw.one<Meeting>([
          { bytes: 'PONG' },
          { bytes: 'PONG' },
          { bytes: 'xPOxNGx' },
          { how: 'close' },
          { how: 'reset' },
        ]),
      ),
    },
  };
};
