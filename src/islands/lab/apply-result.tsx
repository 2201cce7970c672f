import { Icon } from '../parts/sign.tsx';
import { useLab, useStore } from '../parts/use-store.ts';
import { applyTone, applyWords, nacksOf } from './apply-words.ts';

/** The line above the verbs: what the last apply did. */
export function ApplyResult() {
  const apply = useStore(useLab().stores.apply);
  return (
    <div className="apply-result" aria-live="polite">
      {apply.state === 'running' && <p>The change goes to istiod, then to the proxies.</p>}
      {apply.state === 'failed' && (
        <p className="bad">
          <Icon name="x" />
          {apply.message}
        </p>
      )}
      {apply.state === 'done' && (
        <>
          <p className={applyTone(apply.view)}>
            <Icon name={applyTone(apply.view) === 'good' ? 'check' : 'x'} />
            {applyWords(apply.view)}
          </p>
          {nacksOf(apply.view).map((nack) => (
            <p key={nack.pod} className="nack-text">
              <span className="mono">{nack.pod}</span>: {nack.error}
            </p>
          ))}
        </>
      )}
    </div>
  );
}
