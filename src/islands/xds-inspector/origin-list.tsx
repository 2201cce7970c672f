import type { OriginView } from '#contract';
import { OriginChip } from '../decision-viewer/origin-chip.tsx';
import { useLab } from '../parts/use-store.ts';

/** The lines of YAML behind a resource, each once; objects that stand in no file by name. */
export function OriginList({ origins }: { origins: readonly OriginView[] }) {
  const lab = useLab();
  if (origins.length === 0) return null;
  const places = new Map(
    origins.flatMap(({ location }) => (location ? [[`${location.file}:${location.line}`, location] as const] : [])),
  );
  const others = new Set(origins.filter(({ location }) => !location).map(({ kind, name }) => `${kind} ${name}`));
  return (
    <p className="because">
      Because of{' '}
      {[...places].map(([key, location]) => (
        <OriginChip key={key} location={location} onOpen={(place) => lab.openPlace(place)} />
      ))}
      {others.size > 0 && <span className="dim">{[...others].join(', ')}</span>}
    </p>
  );
}
