import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { HopPorts } from './wire-nginx.ts';

const common = `global
  nbthread 1
  maxconn 4000
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
  http-reuse always
`;

/** The client's hop: plaintext in, HTTP/2 over mTLS out. */
export function haproxyClientConfig(folder: string, ports: HopPorts): string {
  const tls = `ssl crt ${folder}/both.pem ca-file ${folder}/roots.pem verify required sni str(bench) ssl-min-ver TLSv1.3 alpn h2`;
  return `${common}frontend client
  bind 127.0.0.1:${ports.client}
  default_backend next
backend next
  server s 127.0.0.1:${ports.server} ${tls}
`;
}

/** The server's hop: mTLS in, plaintext out. */
export function haproxyServerConfig(folder: string, ports: HopPorts): string {
  const tls = `ssl crt ${folder}/both.pem ca-file ${folder}/roots.pem verify required ssl-min-ver TLSv1.3 alpn h2`;
  return `${common}frontend server
  bind 127.0.0.1:${ports.server} ${tls}
  default_backend next
backend next
  server s 127.0.0.1:${ports.upstream}
`;
}

/** Starts haproxy with a configuration, on one CPU. */
export function startHaproxy(folder: string, name: string, config: string, cpu: number): ChildProcess {
  const file = `${folder}/haproxy-${name}.cfg`;
  const [chain, key] = ['leaf.pem', 'leaf.key'].map((part) => readFileSync(`${folder}/${part}`, 'utf8'));
  writeFileSync(`${folder}/both.pem`, `${chain}\n${key}\n`);
  writeFileSync(file, config);
  return spawn('taskset', ['-c', String(cpu), 'haproxy', '-db', '-q', '-f', file], { stdio: 'inherit' });
}
