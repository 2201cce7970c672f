import type { UpdateOptions } from '../doors.ts';
import { badRequest, KubeStatusError } from '../status-error.ts';
import type { ResourceRequest } from './resource.ts';

const VALIDATIONS = ['Ignore', 'Warn', 'Strict'] as const;

/** Reads `dryRun`, `fieldManager` and `fieldValidation` of a query. Throws Invalid or BadRequest for values that are none. */
export function writeOptions(request: ResourceRequest): UpdateOptions {
  const { changeId, exchange, path } = request;
  const { query } = exchange;
  const validation = query.get('fieldValidation') ?? '';
  const known = VALIDATIONS.find((each) => each === validation);
  if (validation !== '' && !known) {
    throw unsupportedOption('fieldValidation', validation, ['', ...VALIDATIONS]);
  }
  return {
    changeId,
    fieldManager: fieldManager(request),
    dryRun: readDryRun(query.getAll('dryRun')),
    // An API server's default is Warn.
    fieldValidation: known ?? 'Warn',
    warn: (text) => exchange.warn(text),
    ...(path.subresource === 'status' ? { subresource: 'status' as const } : {}),
  };
}

/** Whether nothing is to be kept. Throws Invalid for values other than `All`. */
export function readDryRun(values: readonly string[]): boolean {
  const wrong = values.find((value) => value !== 'All' && value !== '');
  if (wrong !== undefined) throw unsupportedOption('dryRun', wrong, ['All']);
  return values.includes('All');
}

function unsupportedOption(field: string, value: string, supported: readonly string[]): KubeStatusError {
  const words = supported.map((each) => `"${each}"`).join(', ');
  const message = `Unsupported value: "${value}": supported values: ${words}`;
  const causes = [{ reason: 'FieldValueNotSupported', message, field }];
  const kind = 'WriteOptions';
  const text = `${kind}.meta.k8s.io "" is invalid: ${field}: ${message}`;
  return new KubeStatusError('Invalid', text, { group: 'meta.k8s.io', kind, causes });
}

const MAX_MANAGER = 128;

/** The manager that the query names, or the program of the user agent. */
export function fieldManager({ exchange }: ResourceRequest): string {
  const named = exchange.query.get('fieldManager') ?? '';
  if (named.length > MAX_MANAGER) throw badRequest(`fieldManager: Too long: may not be more than ${MAX_MANAGER} bytes`);
  return named === '' ? (exchange.userAgent.split('/')[0] ?? '').slice(0, MAX_MANAGER) || 'unknown' : named;
}
