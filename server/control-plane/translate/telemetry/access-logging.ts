import type { MeshConfig } from '../../doors.ts';
import { compareText } from '../../snapshot/config.ts';
import type { MeshSnapshot } from '../../snapshot/mesh-snapshot.ts';
import type { AccessLogging, Telemetry } from '../../snapshot/telemetries.ts';
import type { ProxyView } from '../proxy-view.ts';
import { type AccessLog, fileAccessLog, type LogFormat, meshLogFormat, STANDARD_OUTPUT } from './access-log.ts';
import { isLogService, serviceLog } from './log-services.ts';

/** On whose behalf a listener works: its workload's as a client, or as a server. */
export type LogMode = 'CLIENT' | 'SERVER';

export interface LoggingInput {
  readonly snapshot: MeshSnapshot;
  readonly proxy: ProxyView;
  readonly telemetries: readonly Telemetry[];
}

interface Choice {
  readonly disabled: boolean;
  readonly expression?: string;
}

/**
 * The access logs that Telemetry and the mesh's default providers ask for; undefined where they ask for none that exists, and the mesh's
 * own accessLogFile counts.
 * Source: Telemetries.AccessLogging in istio pilot.
 */
export function telemetryAccessLogs({ snapshot, telemetries }: LoggingInput, mode: LogMode): AccessLog[] | undefined {
  const { mesh } = snapshot;
  const levels = telemetries.flatMap(({ spec }) => (spec.accessLogging?.length ? [spec.accessLogging] : []));
  const defaults = mesh.defaultProviders['accessLogging'] ?? [];
  if (levels.length === 0 && defaults.length === 0) return undefined;
  const chosen = [...chooseProviders(levels, defaults, mode)].sort(([a], [b]) => compareText(a, b));
  let known = false;
  const logs: AccessLog[] = [];
  for (const [name, { disabled, expression }] of chosen) {
    const provider = findProvider(snapshot, name);
    if (provider === undefined) continue;
    known = true;
    if (disabled) continue;
    logs.push(expression === undefined ? provider.log : { ...provider.log, filter: celFilter(expression) });
  }
  return known ? logs : undefined;
}

/** Which providers are in force, and how; a level that names providers replaces those of the levels above it. */
function chooseProviders(
  levels: readonly (readonly AccessLogging[])[],
  defaults: readonly string[],
  mode: LogMode,
): Map<string, Choice> {
  const chosen = new Map<string, Choice>();
  if (levels.length === 0) {
    for (const name of defaults) chosen.set(name, { disabled: false });
    return chosen;
  }
  const { inForce, filters } = namedProviders(levels, defaults, mode);
  let inherited = defaults;
  for (const entry of levels.flat()) {
    const named = namesOf(entry);
    if (named.length > 0) inherited = named;
    if (!applies(entry, mode)) continue;
    for (const name of inherited) {
      if (!inForce.has(name)) continue;
      chosen.set(name, entry.disabled === true ? { disabled: true } : (filters.get(name) ?? { disabled: false }));
    }
  }
  return chosen;
}

function namedProviders(
  levels: readonly (readonly AccessLogging[])[],
  defaults: readonly string[],
  mode: LogMode,
): { readonly inForce: ReadonlySet<string>; readonly filters: ReadonlyMap<string, Choice> } {
  let inForce = new Set(defaults);
  const filters = new Map<string, Choice>();
  for (const level of levels) {
    const entries = level.filter((entry) => applies(entry, mode));
    for (const entry of entries) {
      const expression = entry.filter && (entry.filter.expression ?? '');
      for (const name of namesOf(entry)) {
        filters.set(name, { disabled: false, ...(expression !== undefined && { expression }) });
      }
    }
    const named = new Set(entries.flatMap(namesOf));
    if (named.size > 0) inForce = named;
  }
  return { inForce, filters };
}

const namesOf = ({ providers }: AccessLogging): string[] => (providers ?? []).map(({ name }) => name ?? '');

/** Whether an entry is about this side. */
export function applies({ match }: Pick<AccessLogging, 'match'>, mode: LogMode): boolean {
  const wanted = match?.mode ?? 'CLIENT_AND_SERVER';
  return wanted === 'CLIENT_AND_SERVER' || wanted === mode;
}

interface FileProvider {
  readonly path?: string;
  readonly logFormat?: { readonly text?: string; readonly labels?: Readonly<Record<string, unknown>> };
  readonly omitEmptyValues?: boolean;
}

/** Istio has this provider without being told. */
const BUILT_IN = 'envoy';

/** A provider of logs by its name in any case; undefined when there is none, or it provides something else. */
function findProvider(snapshot: MeshSnapshot, name: string): { readonly log: AccessLog } | undefined {
  const { mesh } = snapshot;
  const named = mesh.extensionProviders.find((each) => each.name.toLowerCase() === name.toLowerCase());
  if (named === undefined) {
    return name.toLowerCase() === BUILT_IN ? { log: fileAccessLog(STANDARD_OUTPUT, meshLogFormat(mesh)) } : undefined;
  }
  const file = named['envoyFileAccessLog'] as FileProvider | undefined;
  if (file !== undefined) return { log: providerLog(mesh, named.name, file) };
  if (!isLogService(named)) return undefined;
  const log = serviceLog(snapshot, named);
  return log && { log };
}

function providerLog(mesh: MeshConfig, name: string, { path, logFormat, omitEmptyValues }: FileProvider): AccessLog {
  if (name === BUILT_IN && logFormat === undefined && omitEmptyValues !== true) {
    return fileAccessLog(path ?? '', meshLogFormat(mesh));
  }
  const format: LogFormat =
    logFormat !== undefined && logFormat.text === undefined
      ? { labels: logFormat.labels ?? {} }
      : { text: logFormat?.text ?? '' };
  return fileAccessLog(path === undefined || path === '' ? STANDARD_OUTPUT : path, {
    ...format,
    ...(omitEmptyValues === true && { omitEmptyValues }),
  });
}

const celFilter = (expression: string): Readonly<Record<string, unknown>> => ({
  extension_filter: {
    name: 'envoy.access_loggers.extension_filters.cel',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter',
      expression,
    },
  },
});
