import { Icon } from '../parts/sign.tsx';
import { useLab, useStore } from '../parts/use-store.ts';
import { applyTone, applyWords, nacksOf, waitsForIstiod } from './apply-words.ts';

/** The line above the verbs: what the last apply did. */
export function ApplyResult() {
  const { stores } = useLab();
  const apply = useStore(stores.apply);
  const steered =
    useStore(stores.sandbox)?.pods.some(({ role, ready }) => role === 'control-plane' && ready > 0) ?? false;
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
            {steered && waitsForIstiod(apply.view)
              ? 'Stored. istiod runs again and tells the proxies.'
              : applyWords(apply.view)}
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
