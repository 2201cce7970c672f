import type { SourceLocation } from '#contract';
import { Icon } from '../parts/sign.tsx';
import { placeWords } from './road.ts';

/** Where it stands in the learner's YAML: a click scrolls the editor there. */
export function OriginChip({
  location,
  onOpen,
}: {
  location: SourceLocation;
  onOpen: (location: SourceLocation) => void;
}) {
  return (
    <button type="button" className="src" onClick={() => onOpen(location)}>
      <Icon name="pen" />
      {placeWords(location)}
    </button>
  );
}
