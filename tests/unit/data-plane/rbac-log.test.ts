import { describe, expect, it } from 'vitest';
import { LogLevels } from '../../../server/data-plane/admin/log-levels.ts';
import { checkedLine, verdictLine } from '../../../server/data-plane/decisions/rbac-log.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';

const connection = {
  requestedServerName: 'outbound_.80_._.httpbin.foo.svc.cluster.local',
  remoteAddress: { ip: '10.0.0.1', port: 46180 },
  localAddress: { ip: '10.0.0.2', port: 80 },
  tls: undefined,
};

describe('what Envoy’s logger rbac writes', () => {
  it('of a request tells its connection, its headers and what filters have left', () => {
    const head = {
      method: 'GET',
      path: '/yes',
      authority: 'httpbin:8000',
      scheme: 'http' as const,
      headers: Headers.of({ accept: '*/*', 'x-a': 'b' }),
    };
    const metadata = { ns: { n: 1, a: 'x', b: true, l: ['q'], o: { z: null } } };
    expect(checkedLine({ head, connection, remoteIp: '10.0.0.9', metadata }).split('\n')).toEqual([
      'checking request: requestedServerName: outbound_.80_._.httpbin.foo.svc.cluster.local, sourceIP: 10.0.0.1:46180, ' +
        "directRemoteIP: 10.0.0.1:46180, remoteIP: 10.0.0.9:0,localAddress: 10.0.0.2:80, ssl: none, headers: ':authority', 'httpbin:8000'",
      "':path', '/yes'",
      "':method', 'GET'",
      "':scheme', 'http'",
      "'accept', '*/*'",
      "'x-a', 'b'",
      ', dynamicMetadata: filter_metadata {',
      '  key: "ns"',
      '  value {',
      ...['a|string_value: "x"', 'b|bool_value: true'].flatMap(field),
      '    fields {',
      '      key: "l"',
      '      value {',
      '        list_value {',
      '          values {',
      '            string_value: "q"',
      '          }',
      '        }',
      '      }',
      '    }',
      ...field('n|number_value: 1'),
      '    fields {',
      '      key: "o"',
      '      value {',
      '        struct_value {',
      '          fields {',
      '            key: "z"',
      '            value {',
      '              null_value: NULL_VALUE',
      '            }',
      '          }',
      '        }',
      '      }',
      '    }',
      '  }',
      '}',
      '',
    ]);
  });

  it('of a connection has no headers', () => {
    expect(checkedLine({ connection, remoteIp: '10.0.0.1', metadata: {} })).toBe(
      'checking connection: requestedServerName: outbound_.80_._.httpbin.foo.svc.cluster.local, sourceIP: 10.0.0.1:46180, ' +
        'directRemoteIP: 10.0.0.1:46180,remoteIP: 10.0.0.1:46180, localAddress: 10.0.0.2:80, ssl: none, dynamicMetadata: ',
    );
  });

  it('names the policy that decided, or none', () => {
    expect(verdictLine('enforced', { allowed: false, matched: undefined })).toBe(
      'enforced denied, matched policy none',
    );
  });

  it('is written while its level is debug or trace, and usually not', () => {
    const levels = new LogLevels();
    const told = () => levels.isDebug('rbac');
    const states = ['', 'rbac=debug', 'rbac=info', 'level=trace', 'level=warning'].map((query) => {
      levels.change(new URLSearchParams(query));
      return told();
    });
    expect(states).toEqual([false, true, false, true, false]);
  });
});

function field(pair: string): string[] {
  const [key = '', value = ''] = pair.split('|');
  return ['    fields {', `      key: "${key}"`, '      value {', `        ${value}`, '      }', '    }'];
}
