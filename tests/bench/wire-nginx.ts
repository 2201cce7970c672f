import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';

/** As the user who runs the benchmark: the files lie in a folder of its own. */
const USER = process.getuid?.() === 0 ? 'user root; ' : '';
const COMMON = `${USER}daemon off; worker_processes 1; error_log stderr crit; events { worker_connections 4096; }`;

function http(folder: string, name: string, body: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${folder}/${name}-${kind};`)
    .join(' ');
  return `${COMMON} pid ${folder}/${name}.pid;
http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; ${temporary}
${body}
}`;
}

/** The application behind the second hop: 200 bytes of JSON, and 10 KB at `/b`. */
export function upstreamConfig(folder: string, ...listen: readonly (number | string)[]): string {
  const body = `{"id":1,"pad":"${'x'.repeat(181)}"}`;
  const doors = listen.map((door) => `listen ${typeof door === 'number' ? `127.0.0.1:${door}` : door};`).join(' ');
  writeFileSync(`${folder}/b`, Buffer.alloc(10 * 1024, 'x'));
  const small = `location / { default_type application/json; return 200 '${body}'; }`;
  const server = `server { ${doors} ${small} location = /b { root ${folder}; } }`;
  return http(folder, 'upstream', server);
}

export interface HopPorts {
  readonly client: number;
  readonly server: number;
  readonly upstream: number;
}

/** The client's hop: plaintext in, HTTP/1.1 over mTLS out. */
export function clientHopConfig(folder: string, ports: HopPorts): string {
  return http(
    folder,
    'client',
    `upstream next { server 127.0.0.1:${ports.server}; keepalive 128; keepalive_requests 1000000000; }
server { listen 127.0.0.1:${ports.client}; location / {
  proxy_pass https://next; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
  proxy_ssl_certificate ${folder}/leaf.pem; proxy_ssl_certificate_key ${folder}/leaf.key;
  proxy_ssl_trusted_certificate ${folder}/roots.pem; proxy_ssl_verify on; proxy_ssl_name bench;
  proxy_ssl_server_name on; proxy_ssl_protocols TLSv1.3; } }`,
  );
}

/** The server's hop: mTLS in, plaintext out. */
export function serverHopConfig(folder: string, ports: HopPorts): string {
  return http(
    folder,
    'server',
    `upstream next { server 127.0.0.1:${ports.upstream}; keepalive 128; keepalive_requests 1000000000; }
server { listen 127.0.0.1:${ports.server} ssl; ssl_certificate ${folder}/leaf.pem; ssl_certificate_key ${folder}/leaf.key;
  ssl_client_certificate ${folder}/roots.pem; ssl_verify_client on; ssl_protocols TLSv1.3; location / {
  proxy_pass http://next; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; } }`,
  );
}

/** Starts nginx with a configuration, on one CPU. */
export function startNginx(folder: string, name: string, config: string, cpu: number): ChildProcess {
  mkdirSync(`${folder}/${name}`, { recursive: true });
  const file = `${folder}/${name}.conf`;
  writeFileSync(file, config);
  return spawn('taskset', ['-c', String(cpu), 'nginx', '-p', `${folder}/${name}`, '-c', file], { stdio: 'inherit' });
}
