import { useState } from 'react';
import type { ExplanationView, SourceLocation } from '#contract';
import { outcomeOf, statusText } from '../../lab-client/index.ts';
import { Empty } from '../parts/empty.tsx';
import { formatMs } from '../parts/format.ts';
import { Icon } from '../parts/sign.tsx';
import { useLab, useStore } from '../parts/use-store.ts';
import { RoadList } from './road-list.tsx';

interface DecisionPanelProps {
  onOpen: (location: SourceLocation) => void;
}

/** Why this response: a sentence, then the road that the request took, each step linked to its YAML line. */
export function DecisionPanel({ onOpen }: DecisionPanelProps) {
  const [all, setAll] = useState(false);
  const lab = useLab();
  const explanation = useStore(lab.stores.explanation);
  const open = explanation.state !== 'none';
  const copy = (): void => {
    navigator.clipboard.writeText(location.href).then(
      () => lab.toast({ text: 'The link to this request is copied.', error: false }),
      () => lab.toast({ text: 'The browser did not allow copying. Copy the address bar instead.', error: true }),
    );
  };
  return (
    <div className="why-inner">
      <div className="cap">
        <div className="row">
          <h2>Why this response</h2>
          {open && (
            <span className="tools">
              <button
                type="button"
                className="btn quiet"
                aria-pressed={all}
                title="Every figure that the proxies noted"
                onClick={() => setAll(!all)}
              >
                {all ? 'Fewer figures' : 'All figures'}
              </button>
              <button type="button" className="btn quiet sq" aria-label="Copy link to this request" onClick={copy}>
                <Icon name="link" />
              </button>
              <button type="button" className="btn quiet sq" aria-label="Close" onClick={() => lab.closeExplanation()}>
                <Icon name="x" />
              </button>
            </span>
          )}
        </div>
        {explanation.state === 'ready' && <Verdict view={explanation.view} />}
      </div>
      {explanation.state === 'none' && <NothingOpen />}
      {explanation.state === 'loading' && <p className="pad">The proxies’ records are read.</p>}
      {explanation.state === 'failed' && (
        <div className="pad failed" role="alert">
          <p>{explanation.message}</p>
          <button type="button" className="btn" onClick={() => void lab.explain(explanation.request)}>
            Retry
          </button>
        </div>
      )}
      {explanation.state === 'ready' && <Road view={explanation.view} all={all} onOpen={onOpen} />}
    </div>
  );
}

function NothingOpen() {
  const lab = useLab();
  const connection = useStore(lab.stores.connection);
  const mesh = useStore(lab.stores.mesh);
  if (mesh && !mesh.nodes.some((node) => node.proxied))
    return <Empty text="No workload has a proxy, so nobody decides about a request: there is nothing to show yet." />;
  return (
    <Empty text="No request is open. Choose one in the list, or send one: its decisions are shown here step by step.">
      <button type="button" className="btn" disabled={connection !== 'open'} onClick={() => void lab.send()}>
        Send one
      </button>
    </Empty>
  );
}

function Verdict({ view }: { view: ExplanationView }) {
  const { request } = view;
  return (
    <>
      <div className="verdict">
        <strong className={outcomeOf(request)}>{statusText(request)}</strong>
        <span className="mono">
          {request.method} {request.path} · {formatMs(request.durationMs)}
        </span>
      </div>
      <p className="said">{view.verdict}</p>
    </>
  );
}

interface RoadProps {
  view: ExplanationView;
  all: boolean;
  onOpen: (location: SourceLocation) => void;
}

function Road({ view, all, onOpen }: RoadProps) {
  const lab = useLab();
  const path = view.hops[0]?.request.path;
  const label = `Decision path of ${view.request.method} ${view.request.path}`;
  return (
    <>
      <RoadList view={view} label={label} all={all} onOpen={onOpen} />
      <div className="way">
        <span>
          {view.closest ? (
            <>
              <b>{isStopped(view) ? 'Closest way through:' : 'Closest other route:'}</b> {view.closest}.
            </>
          ) : (
            'Send it again to see whether it takes the same way.'
          )}
        </span>
        <button type="button" className="btn" onClick={() => void lab.send(path ? { path } : {})}>
          <Icon name="play" />
          Replay
        </button>
      </div>
    </>
  );
}

/** Whether a proxy ended the request itself; else what is closest is a route that was passed over. */
const isStopped = ({ hops, focus }: ExplanationView): boolean =>
  hops.some(({ spanId, response }) => focus.includes(spanId) && response.details !== 'via_upstream');
