import type { ExplanationView, SourceLocation } from '#contract';
import { directionWords, proxyName, type RoadPart, roadOf } from './road.ts';
import { Sidings, Step } from './step.tsx';

interface RoadListProps {
  view: Pick<ExplanationView, 'hops' | 'focus'>;
  label: string;
  /** Every figure, not only what matters. */
  all?: boolean;
  onOpen: (location: SourceLocation) => void;
}

/** The road of a request: proxies as large stations, their decisions as small ones. */
export function RoadList({ view, label, all = false, onOpen }: RoadListProps) {
  return (
    <section className="road" aria-label={label}>
      <ol>
        {roadOf(view).map((part, index) => (
          <Part key={part.key} part={part} first={index === 0} all={all} onOpen={onOpen} />
        ))}
      </ol>
    </section>
  );
}

interface PartProps {
  part: RoadPart;
  first: boolean;
  all: boolean;
  onOpen: (location: SourceLocation) => void;
}

function Part({ part, first, all, onOpen }: PartProps) {
  const begin = first ? ' first' : '';
  switch (part.kind) {
    case 'passed-hop':
      return (
        <li className={`st${begin}`}>
          <small>
            {part.number} · {proxyName(part.hop)}
          </small>
          {part.words} {part.hop.mtls && <span className="flag identity">mTLS</span>}
        </li>
      );
    case 'hop':
      return (
        <li className={`st hopname${begin}`}>
          {part.number} · {proxyName(part.hop)}
          <small>{directionWords(part.hop)}</small>
        </li>
      );
    case 'attempt':
      return (
        <li className="st try">
          <small>Try {part.attempt}</small>
        </li>
      );
    case 'not-reached':
      return (
        <li className="st cut">
          <small>Not reached</small>
          {part.words}
        </li>
      );
    case 'left-out':
      return (
        <>
          <li className="st cut">
            <small>Other rules that may be meant</small>
          </li>
          <Sidings candidates={part.rules} onOpen={onOpen} />
        </>
      );
    case 'step':
      return <Step step={part.step} all={all} onOpen={onOpen} />;
  }
}
