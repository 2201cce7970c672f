// Makes server/xds/proto/envoy.binpb, the compiled description of the xDS messages that the lab reads and writes:
// `node scripts/build-protos.mjs`. Needed again only when the list below or @grpc/grpc-js-xds (the source of the .proto files) changes.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const BUF = '@bufbuild/buf@1.75.0';
const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const output = join(root, 'server/xds/proto/envoy.binpb');
const sources = join(root, 'node_modules/@grpc/grpc-js-xds/deps');

/** Files and folders inside envoy-api; what they import comes along. */
const wanted = [
  // The protocol itself.
  'envoy/service/discovery/v3',
  'envoy/service/secret/v3',
  'envoy/service/status/v3/csds.proto',
  'envoy/admin/v3/config_dump.proto',
  'envoy/admin/v3/config_dump_shared.proto',
  'envoy/admin/v3/clusters.proto',
  'envoy/admin/v3/server_info.proto',
  // Resources.
  'envoy/config/listener/v3/listener.proto',
  'envoy/config/route/v3/route.proto',
  'envoy/config/route/v3/scoped_route.proto',
  'envoy/config/cluster/v3/cluster.proto',
  'envoy/config/endpoint/v3/endpoint.proto',
  'envoy/type/v3',
  // Network filters.
  'envoy/extensions/filters/network/http_connection_manager/v3',
  'envoy/extensions/filters/network/tcp_proxy/v3',
  'envoy/extensions/filters/network/rbac/v3',
  'envoy/extensions/filters/network/sni_cluster/v3',
  'envoy/extensions/clusters/aggregate/v3',
  // HTTP filters.
  'envoy/extensions/filters/http/router/v3',
  'envoy/extensions/filters/http/fault/v3',
  'envoy/extensions/filters/http/rbac/v3',
  'envoy/extensions/filters/http/cors/v3',
  'envoy/extensions/filters/http/local_ratelimit/v3',
  'envoy/extensions/filters/http/jwt_authn/v3',
  'envoy/extensions/filters/http/ext_authz/v3',
  'envoy/extensions/filters/http/ratelimit/v3',
  'envoy/extensions/filters/http/header_mutation/v3',
  'envoy/extensions/filters/http/lua/v3',
  'envoy/extensions/filters/http/wasm/v3',
  'envoy/extensions/filters/http/grpc_stats/v3',
  // The services that two of them call.
  'envoy/service/auth/v3',
  'envoy/service/ratelimit/v3',
  // Listener filters.
  'envoy/extensions/filters/listener/original_dst/v3',
  'envoy/extensions/filters/listener/tls_inspector/v3',
  'envoy/extensions/filters/listener/http_inspector/v3',
  'envoy/extensions/filters/listener/proxy_protocol/v3',
  // Transport, access logs, load balancing.
  'envoy/extensions/transport_sockets/tls/v3',
  'envoy/extensions/transport_sockets/raw_buffer/v3',
  'envoy/extensions/upstreams/http/v3',
  'envoy/extensions/access_loggers/file/v3',
  'envoy/extensions/access_loggers/stream/v3',
  'envoy/extensions/retry/host/previous_hosts/v3',
  'envoy/extensions/load_balancing_policies/round_robin/v3',
  'envoy/extensions/load_balancing_policies/least_request/v3',
  'envoy/extensions/load_balancing_policies/random/v3',
  'envoy/extensions/load_balancing_policies/ring_hash/v3',
  'envoy/extensions/load_balancing_policies/maglev/v3',
  'envoy/extensions/load_balancing_policies/wrr_locality/v3',
];

/** The packaged validate.proto lacks a field that Envoy's files set. */
function addIgnoreEmpty(file) {
  const text = readFileSync(file, 'utf8');
  const anchor = 'optional bool strict = 25 [default = true];';
  if (!text.includes(anchor)) throw new Error(`${file} has changed: "${anchor}" is gone`);
  if (!/StringRules[\s\S]*?optional bool ignore_empty = 26;[\s\S]*?message BytesRules/.test(text)) {
    writeFileSync(file, text.replace(anchor, `${anchor}\n  optional bool ignore_empty = 26;`));
  }
}

const workspace = mkdtempSync(join(tmpdir(), 'meshwork-protos-'));
try {
  for (const module of ['envoy-api', 'googleapis', 'xds']) {
    cpSync(join(sources, module), join(workspace, module), { recursive: true });
  }
  cpSync(join(sources, 'protoc-gen-validate/validate'), join(workspace, 'validate-module/validate'), {
    recursive: true,
  });
  addIgnoreEmpty(join(workspace, 'validate-module/validate/validate.proto'));
  const modules = ['envoy-api', 'googleapis', 'xds', 'validate-module'];
  writeFileSync(
    join(workspace, 'buf.yaml'),
    `version: v2\nmodules:\n${modules.map((path) => `  - path: ${path}\n`).join('')}`,
  );
  const paths = wanted.flatMap((path) => ['--path', `envoy-api/${path}`]);
  execFileSync('npx', ['--yes', BUF, 'build', '--exclude-source-info', ...paths, '-o', output], {
    cwd: workspace,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  console.log(`${output}: ${statSync(output).size} bytes`);
} finally {
  rmSync(workspace, { recursive: true, force: true });
}
