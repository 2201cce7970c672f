import type { Field } from './field.ts';
import type { Findings } from './findings.ts';
import { checkDuration, checkPercent } from './values.ts';

/** When an endpoint counts as failed, and for how long. */
export function checkOutlierDetection(outlier: Field, findings: Findings): void {
  if (!outlier.exists) return;
  checkDuration(outlier.get('baseEjectionTime'), findings);
  checkDuration(outlier.get('interval'), findings);
  checkPercent(outlier.get('maxEjectionPercent'), findings);
  checkPercent(outlier.get('minHealthPercent'), findings);
  const deprecated = outlier.get('consecutiveErrors');
  if (deprecated.number !== 0) {
    const message =
      'outlier detection consecutive errors is deprecated, use consecutiveGatewayErrors or consecutive5xxErrors instead';
    findings.warn(deprecated, message, 'Write consecutive5xxErrors.');
  }
  const local = outlier.get('consecutiveLocalOriginFailures');
  if (!outlier.get('splitExternalLocalOriginErrors').isTrue && local.number > 0) {
    const message =
      'outlier detection consecutive local origin failures is specified, but split external local origin errors is set to false';
    findings.reject(local, message, 'Set splitExternalLocalOriginErrors to true.');
  }
}
