import { lazy, Suspense, useEffect, useRef, useState } from 'react';
import { Checks } from '../checks/checks.tsx';
import { checksMet } from '../checks/words.ts';
import { Boundary } from '../parts/boundary.tsx';
import { Splitter } from '../parts/splitter.tsx';
import { useMedia } from '../parts/use-media.ts';
import { useLab, useStore } from '../parts/use-store.ts';
import { YamlEditor } from '../yaml-editor/yaml-editor.tsx';
import { Actions } from './actions.tsx';
import { ApplyResult } from './apply-result.tsx';
import { Hints } from './hints.tsx';
import { More } from './more.tsx';
import type { Sizes } from './sizes.ts';
import { StepText } from './step-text.tsx';

// Few labs are incidents, and one is the game.
const IncidentDesk = lazy(async () => ({ default: (await import('../incident/incident-desk.tsx')).IncidentDesk }));
const BlameGame = lazy(async () => ({ default: (await import('../blame/blame-game.tsx')).BlameGame }));

interface DoColumnProps {
  goTo: { file: string; line: number } | undefined;
  onSizes: (change: Partial<Sizes>) => void;
}

/** Read and write: the text, the checks, the files, and one row of verbs. */
export function DoColumn({ goTo, onSizes }: DoColumnProps) {
  const lab = useLab();
  const { incident, blame } = lab.text;
  const narrow = useMedia('(max-width: 860px)');
  return (
    <section className="do" aria-label="Lesson and editor">
      <section className="lesson" id="panel-read" aria-label="Text and checks">
        {incident ? (
          <Suspense fallback={<Steps />}>
            <IncidentDesk story={<Steps />} />
          </Suspense>
        ) : (
          <Steps />
        )}
        {blame && (
          <Suspense fallback={<p>It opens.</p>}>
            <BlameGame />
          </Suspense>
        )}
        {!incident && !blame && (
          <>
            <Checks />
            <Hints />
          </>
        )}
      </section>
      {!narrow && (
        <Splitter
          label="Height of the text"
          direction="horizontal"
          className="at-read"
          sized="previous"
          min={80}
          max={620}
          sign={1}
          onChange={(value) => onSizes({ read: value })}
          onReset={() => onSizes({ read: 0 })}
        />
      )}
      <Boundary what="The editor">
        <YamlEditor goTo={goTo} more={<More />} />
      </Boundary>
      <div className="foot-acts">
        <ApplyResult />
        <Actions />
      </div>
    </section>
  );
}

/** The line of steps, and the text of one. */
function Steps() {
  const lab = useLab();
  const { steps, minutes, incident, blame } = lab.text;
  const view = useStore(lab.stores.view);
  const checks = useStore(lab.stores.checks);
  const [far, setFar] = useState(0);
  const here = Math.max(
    0,
    steps.findIndex((step) => step.id === view.step),
  );
  const step = steps[here];
  const title = useRef<HTMLHeadingElement>(null);
  const turned = useRef(false);
  // A step that was turned to is read from its title, by the eye and by the ear.
  useEffect(() => {
    if (!turned.current || step === undefined) return;
    turned.current = false;
    title.current?.closest('.lesson')?.scrollTo({ top: 0 });
    title.current?.focus({ preventScroll: true });
  }, [step]);
  if (!step) return null;
  const show = (index: number): void => {
    const next = steps[index];
    if (!next) return;
    setFar(Math.max(far, index));
    turned.current = true;
    lab.show({ step: next.id });
  };
  return (
    <>
      <div className="steps">
        <ol>
          {steps.map((one, index) => (
            <li key={one.id} className={index < here ? 'd' : index === here ? 'n' : index <= far ? 'v' : ''}>
              <button
                type="button"
                aria-label={`Step ${index + 1}: ${one.title}`}
                aria-current={index === here ? 'step' : undefined}
                onClick={() => show(index)}
              />
            </li>
          ))}
        </ol>
        <span className="num">
          Step {here + 1} of {steps.length} · {minutes} min
          {checks.length > 0 && !incident && !blame && ` · ${checksMet(checks)}`}
        </span>
      </div>
      <h2 className="step-title" ref={title} tabIndex={-1}>
        {step.title}
      </h2>
      <StepText html={step.html} />
      {here + 1 < steps.length && (
        <p className="next">
          <button type="button" className="link" onClick={() => show(here + 1)}>
            Next: {steps[here + 1]?.title}
          </button>
        </p>
      )}
    </>
  );
}
