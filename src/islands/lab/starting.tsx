import type { SandboxView } from '#contract';
import { formatMs } from '../parts/format.ts';
import { useLab } from '../parts/use-store.ts';

/** The mesh while it starts: named steps as stations, each with its time. After a crash: what happened, and what to do. */
export function Starting({ sandbox }: { sandbox: SandboxView }) {
  const lab = useLab();
  const ended = sandbox.status === 'crashed' || sandbox.status === 'stopped';
  return (
    <section className="see" aria-label="Mesh map" id="panel-map">
      <div className="head">
        <h2>{ended ? 'The mesh stopped' : 'The mesh starts'}</h2>
      </div>
      <div className="starting" aria-live="polite">
        {ended && (
          <div className="crash">
            <p>{sandbox.message ?? 'The mesh ended. Your files are safe.'}</p>
            {sandbox.status === 'stopped' && (
              <button type="button" className="btn" onClick={() => void lab.reopen()}>
                Start again
              </button>
            )}
          </div>
        )}
        <ol className="lineup">
          {sandbox.steps.map((step) => (
            <li key={step.name} className={step.ms === undefined ? 'now' : 'done'}>
              {step.name} <span className="num">{step.ms === undefined ? '' : formatMs(step.ms)}</span>
            </li>
          ))}
        </ol>
        {!ended && sandbox.message && <p>{sandbox.message}</p>}
      </div>
    </section>
  );
}
