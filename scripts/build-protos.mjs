// Makes server/xds/proto/envoy.binpb, the compiled description of the xDS messages that the lab reads and writes:
// `node scripts/build-protos.mjs`. Needed again only when the list below or @grpc/grpc-js-xds (the source of the .proto files) changes.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withNewerStructures } from './newer-protos.mjs';
import { stripDescriptors } from './strip-protos.mjs';

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
  // Where spans go.
  'envoy/config/trace/v3/datadog.proto',
  'envoy/config/trace/v3/opentelemetry.proto',
  'envoy/config/trace/v3/skywalking.proto',
  'envoy/config/trace/v3/zipkin.proto',
  // Every extension: what an EnvoyFilter adds must be encoded too.
  'envoy/extensions',
  // The services that filters call.
  'envoy/service/auth/v3',
  'envoy/service/ratelimit/v3',
];

/** What the OpenTelemetry access logger's configuration imports and the package lacks. Source: opentelemetry-proto, common.v1. */
const OTLP_COMMON = `syntax = "proto3";
package opentelemetry.proto.common.v1;
message AnyValue {
  oneof value {
    string string_value = 1;
    bool bool_value = 2;
    int64 int_value = 3;
    double double_value = 4;
    ArrayValue array_value = 5;
    KeyValueList kvlist_value = 6;
    bytes bytes_value = 7;
  }
}
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
message KeyValue {
  string key = 1;
  AnyValue value = 2;
}
`;

/** Which names of HTTP mTLS offers. Source: istio/api, envoy/config/filter/http/alpn. */
const ISTIO_ALPN = `syntax = "proto3";
package istio.envoy.config.filter.http.alpn.v2alpha1;
message FilterConfig {
  enum Protocol {
    HTTP10 = 0;
    HTTP11 = 1;
    HTTP2 = 2;
  }
  message AlpnOverride {
    Protocol upstream_protocol = 1;
    repeated string alpn_override = 2;
  }
  repeated AlpnOverride alpn_override = 1;
}
`;

/** The names that an agent answers DNS for. Source: istio/istio, pkg/dns/proto. */
const ISTIO_NDS = `syntax = "proto3";
package istio.networking.nds.v1;
message NameTable {
  message NameInfo {
    repeated string ips = 1;
    string registry = 2;
    string shortname = 3;
    string namespace = 4;
    repeated string alt_hosts = 5;
  }
  map<string, NameInfo> table = 1;
}
`;

/** What Istio's statistics filter is told. Source: istio/api, envoy/extensions/stats. */
const ISTIO_STATS = `syntax = "proto3";
package stats;
import "google/protobuf/duration.proto";
message MetricConfig {
  map<string, string> dimensions = 1;
  string name = 2;
  repeated string tags_to_remove = 3;
  string match = 4;
  bool drop = 5;
}
enum MetricType {
  COUNTER = 0;
  GAUGE = 1;
  HISTOGRAM = 2;
}
enum Reporter {
  UNSPECIFIED = 0;
  SERVER_GATEWAY = 1;
}
message MetricDefinition {
  string name = 1;
  string value = 2;
  MetricType type = 3;
}
message PluginConfig {
  bool debug = 1;
  int32 max_peer_cache_size = 2;
  string stat_prefix = 3;
  string field_separator = 4;
  string value_separator = 5;
  bool disable_host_header_fallback = 6;
  google.protobuf.Duration tcp_reporting_duration = 7;
  repeated MetricConfig metrics = 8;
  repeated MetricDefinition definitions = 9;
  Reporter reporter = 10;
  google.protobuf.Duration rotation_interval = 11;
  google.protobuf.Duration graceful_deletion_interval = 12;
}
`;

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
  const otlp = join(workspace, 'otlp-module/opentelemetry/proto/common/v1');
  mkdirSync(otlp, { recursive: true });
  writeFileSync(join(otlp, 'common.proto'), OTLP_COMMON);
  const alpn = join(workspace, 'istio-module/istio/envoy/config/filter/http/alpn/v2alpha1');
  mkdirSync(alpn, { recursive: true });
  writeFileSync(join(alpn, 'config.proto'), ISTIO_ALPN);
  const stats = join(workspace, 'istio-module/istio/envoy/extensions/stats');
  mkdirSync(stats, { recursive: true });
  writeFileSync(join(stats, 'config.proto'), ISTIO_STATS);
  const nds = join(workspace, 'istio-module/istio/networking/nds/v1');
  mkdirSync(nds, { recursive: true });
  writeFileSync(join(nds, 'nds.proto'), ISTIO_NDS);
  const modules = ['envoy-api', 'googleapis', 'xds', 'validate-module', 'otlp-module', 'istio-module'];
  writeFileSync(
    join(workspace, 'buf.yaml'),
    `version: v2\nmodules:\n${modules.map((path) => `  - path: ${path}\n`).join('')}`,
  );
  const others = ['xds/udpa/type/v1', 'xds/xds/type/v3', 'istio-module/istio'];
  const paths = [...wanted.map((path) => `envoy-api/${path}`), ...others].flatMap((path) => ['--path', path]);
  execFileSync('npx', ['--yes', BUF, 'build', '--exclude-source-info', ...paths, '-o', output], {
    cwd: workspace,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  writeFileSync(output, withNewerStructures(stripDescriptors(readFileSync(output))));
  console.log(`${output}: ${statSync(output).size} bytes`);
} finally {
  rmSync(workspace, { recursive: true, force: true });
}
