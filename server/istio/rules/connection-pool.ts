import type { Field } from './field.ts';
import type { Findings } from './findings.ts';
import { checkDuration } from './values.ts';

const LIMITS = {
  http: {
    http1MaxPendingRequests: 'http1 max pending requests',
    http2MaxRequests: 'http2 max requests',
    maxRequestsPerConnection: 'max requests per connection',
    maxRetries: 'max retries',
    maxConcurrentStreams: 'max concurrent streams',
  },
  tcp: { maxConnections: 'max connections' },
} as const;

/** Limits of the connections to a destination, or into a workload. */
export function checkConnectionPool(pool: Field, findings: Findings): void {
  if (!pool.exists) return;
  const http = pool.get('http');
  const tcp = pool.get('tcp');
  if (!http.exists && !tcp.exists) {
    findings.reject(pool, 'connection pool must have at least one field', 'Add http or tcp under connectionPool.');
    return;
  }
  for (const side of ['http', 'tcp'] as const) {
    for (const [name, words] of Object.entries(LIMITS[side])) {
      const limit = pool.get(side).get(name);
      if (limit.number < 0) findings.reject(limit, `${words} must be non-negative`, 'Use 0 or more.');
    }
  }
  checkDuration(http.get('idleTimeout'), findings);
  if (http.get('h2UpgradePolicy').text === 'UPGRADE' && http.get('useClientProtocol').isTrue) {
    findings.reject(
      http.get('useClientProtocol'),
      'use client protocol must not be true when H2UpgradePolicy is UPGRADE',
    );
  }
  const keepAlive = http.get('http2KeepAlive');
  for (const name of keepAlive.exists ? ['interval', 'timeout'] : []) {
    if (!keepAlive.get(name).exists) findings.reject(keepAlive, `http2 keepalive ${name} is required`);
    else checkDuration(keepAlive.get(name), findings);
  }
  checkDuration(tcp.get('connectTimeout'), findings);
  checkDuration(tcp.get('maxConnectionDuration'), findings);
  checkDuration(tcp.get('idleTimeout'), findings, { zeroAllowed: true });
  checkDuration(tcp.at('tcpKeepalive.time'), findings);
  checkDuration(tcp.at('tcpKeepalive.interval'), findings);
}
