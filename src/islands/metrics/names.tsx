import type { MetricSeries } from '#contract';
import { VersionDisc } from '../parts/sign.tsx';
import { serviceTitle } from '../parts/titles.ts';
import { patternOf } from '../parts/versions.ts';

type Ends = Pick<MetricSeries, 'from' | 'to'>;

const word = ({ service, version }: Ends['to'], several: boolean): string =>
  [serviceTitle(service) || 'no workload', ...(several && version !== '' ? [version] : [])].join(' ');

/** `productpage to reviews v2`. */
export function seriesWords({ from, to }: Ends, versions: ReadonlyMap<string, readonly string[]>): string {
  const several = (service: string): boolean => (versions.get(service)?.length ?? 0) > 1;
  const end = word(to, several(to.service));
  return from === undefined ? end : `${word(from, several(from.service))} to ${end}`;
}

/** The series' name with the disc of its version. */
export function SeriesName({ series, versions }: { series: Ends; versions: ReadonlyMap<string, readonly string[]> }) {
  const { from, to } = series;
  const own = versions.get(to.service) ?? [];
  const several = own.length > 1 && to.version !== '';
  return (
    <>
      {from !== undefined && (
        <>
          {word(from, (versions.get(from.service)?.length ?? 0) > 1)}
          <svg className="i arrow" viewBox="0 0 16 16" aria-hidden="true">
            <use href="#i-next" />
          </svg>
          <span className="sr">to</span>{' '}
        </>
      )}
      {serviceTitle(to.service) || 'no workload'}
      {several && (
        <span className="ver">
          <VersionDisc pattern={patternOf(to.version, own)} size={13} />
          {to.version}
        </span>
      )}
    </>
  );
}
