import { Icon } from '../parts/sign.tsx';
import { useLive } from '../parts/use-live.ts';
import { useLab } from '../parts/use-store.ts';
import { caughtAt, readLine } from '../yaml-editor/caught.ts';

export interface CaughtLine {
  looked: number;
  requests: ReadonlySet<string>;
}

/** The newest requests that a line of YAML decided about; undefined without a line, and until they are known. */
export function useCaughtLine(line: string | undefined): CaughtLine | undefined {
  const live = useLive('lines.caught', {}, { wanted: line !== undefined });
  if (line === undefined || live.state !== 'ready') return undefined;
  const place = readLine(line);
  const found = place && caughtAt(live.value.lines, place);
  return { looked: live.value.looked, requests: new Set(found?.requests ?? []) };
}

/** Which line is looked at and how many requests light up for it; a click ends it. */
export function CaughtChip({ line, caught }: { line: string; caught: CaughtLine | undefined }) {
  const lab = useLab();
  return (
    <span className="caught-chip">
      <button type="button" className="src" onClick={() => lab.openPlace(readLine(line) ?? { file: '', line: 1 })}>
        <Icon name="pen" />
        {line}
      </button>
      <span className="num" role="status">
        {caught === undefined ? 'is read' : `caught ${caught.requests.size} of ${caught.looked}`}
      </span>
      <button
        type="button"
        className="btn quiet sq"
        aria-label="No longer look at this line"
        onClick={() => lab.unshow('line')}
      >
        <Icon name="x" />
      </button>
    </span>
  );
}
