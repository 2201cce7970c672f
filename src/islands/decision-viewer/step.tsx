import { useState } from 'react';
import type { LeftOutView, SourceLocation, StepView } from '#contract';
import { VersionDisc } from '../parts/sign.tsx';
import { patternOf } from '../parts/versions.ts';
import { OriginChip } from './origin-chip.tsx';
import { drawOf, figuresOf, labelOf, mainFiguresOf, nameOf, subsetOf, wordsOf } from './road.ts';

interface StepProps {
  step: StepView;
  /** Every figure, not only what matters. */
  all: boolean;
  onOpen: (location: SourceLocation) => void;
}

/** Sidings of ruled-out candidates, then the station of what was decided. */
export function Step({ step, all, onOpen }: StepProps) {
  const stopped = step.outcome === 'stopped';
  return (
    <>
      <Sidings candidates={step.rejected ?? []} onOpen={onOpen} />
      <li className={stopped ? 'st stop' : 'st'}>
        <div className="kl">
          <small>{labelOf(step)}</small>
          {step.location && <OriginChip location={step.location} onOpen={onOpen} />}
        </div>
        <StepWords step={step} />
        <Figures step={step} all={all} />
        <DrawBar step={step} />
      </li>
    </>
  );
}

const FOLD = 3;

interface SidingsProps {
  candidates: readonly LeftOutView[];
  onOpen: (location: SourceLocation) => void;
}

/** What was not taken, each with the reason. */
export function Sidings({ candidates: rejected, onOpen }: SidingsProps) {
  const [open, setOpen] = useState(false);
  const folded = rejected.length > FOLD && !open;
  const shown = folded ? rejected.slice(0, FOLD - 1) : rejected;
  return (
    <>
      {shown.map((candidate) => (
        <li className="side" key={`${candidate.name} ${candidate.reason}`}>
          <Siding />
          <b>{subsetOf(candidate.name)}</b> {candidate.reason}
          {candidate.location && <OriginChip location={candidate.location} onOpen={onOpen} />}
        </li>
      ))}
      {folded && (
        <li className="side">
          <Siding />
          <button type="button" className="link" onClick={() => setOpen(true)}>
            {rejected.length - shown.length} more
          </button>
        </li>
      )}
    </>
  );
}

function Siding() {
  return (
    <svg viewBox="0 0 48 22" aria-hidden="true">
      <path d="M1 0c0 14 12 16 24 16h15" />
      <path d="M41 11v10" className="buffer" />
    </svg>
  );
}

/** Envoy's own name in code, then the sentence. */
function StepWords({ step }: { step: StepView }) {
  const text = wordsOf(step);
  const name = nameOf(step);
  if (step.outcome === 'stopped') return <b>{text}</b>;
  if (step.stage === 'weight') return <WeightWords text={text} />;
  if (name !== undefined) {
    return (
      <>
        <code>{name}</code>
        <span className="because">{text}</span>
      </>
    );
  }
  if (!text.startsWith(step.name) || step.name === '') return <span>{text}</span>;
  return (
    <span>
      <code>{step.name}</code>
      {text.slice(step.name.length)}
    </span>
  );
}

function WeightWords({ text }: { text: string }) {
  const version = /\bv\d+$/.exec(text)?.[0];
  if (!version) return <span>{text}</span>;
  return (
    <span>
      {text.slice(0, -version.length)}
      <VersionDisc pattern={patternOf(version, [])} /> <b>{version}</b>
    </span>
  );
}

function Figures({ step, all }: { step: StepView; all: boolean }) {
  const figures = all ? figuresOf(step) : mainFiguresOf(step);
  if (figures.length === 0) return null;
  return (
    <ul className="figures">
      {figures.map((figure) => (
        <li key={figure} className="tag num">
          {step.outcome === 'stopped' && <span className="stopper" aria-hidden="true" />}
          {figure}
        </li>
      ))}
    </ul>
  );
}

function DrawBar({ step }: { step: StepView }) {
  const draw = drawOf(step);
  if (!draw) return null;
  const at = (value: number): number => (value / draw.total) * 280;
  const subset = subsetOf(step.name);
  const pattern = patternOf(subset, []);
  const own = pattern <= 3 ? `url(#pv${pattern})` : undefined;
  const share = { x: at(draw.from), width: Math.max(2, at(draw.to) - at(draw.from)) };
  return (
    <svg
      className="dice"
      viewBox="0 0 280 20"
      preserveAspectRatio="none"
      role="img"
      aria-label={`Drew ${draw.draw}; ${subset} takes ${draw.from} to ${draw.to - 1} of ${draw.total}`}
    >
      <rect x="0" y="8" width="280" height="8" className="others" />
      <rect {...share} y="8" height="8" {...(own ? { fill: own } : {})} className={`own v${pattern}`} />
      <path d={`M${at(draw.draw)} 1v18`} className="needle" />
    </svg>
  );
}
