import { useEffect, useState } from 'react';
import type { BlameRound, BlameVerdict, SpanView } from '#contract';
import { sayError } from '../../lab-client/index.ts';
import { formatMs } from '../parts/format.ts';
import { useLab, useStore } from '../parts/use-store.ts';
import { scrolled } from '../time-view/scrolled.ts';

const MAKE_MS = 120_000;

/** Rounds of forty seconds: a trace, some numbers, one line of a log; which part is at fault? The clock can be left out. */
export function BlameGame() {
  const lab = useLab();
  const sandbox = useStore(lab.stores.sandbox);
  const [round, setRound] = useState<BlameRound>();
  const [verdict, setVerdict] = useState<BlameVerdict & { said: string }>();
  const [making, setMaking] = useState(false);
  const [timed, setTimed] = useState(true);
  const [score, setScore] = useState({ right: 0, of: 0 });
  const [failure, setFailure] = useState<string>();
  const next = async (): Promise<void> => {
    setMaking(true);
    setVerdict(undefined);
    setRound(undefined);
    setFailure(undefined);
    try {
      setRound(await lab.request('blame.next', {}, MAKE_MS));
    } catch (error) {
      setFailure(sayError(error));
    } finally {
      setMaking(false);
    }
  };
  const say = async (part: string): Promise<void> => {
    if (!round || verdict) return;
    try {
      const told = await lab.request('blame.answer', { number: round.number, part });
      setVerdict({ ...told, said: part });
      setScore(({ right, of }) => ({ right: right + (told.right ? 1 : 0), of: of + 1 }));
    } catch (error) {
      setFailure(sayError(error));
    }
  };
  return (
    <div className="drill blame">
      <div className="says">
        <button
          type="button"
          className="btn go"
          disabled={making || sandbox?.status !== 'running'}
          onClick={() => void next()}
        >
          {round ? 'Next round' : 'First round'}
        </button>
        <label>
          <input type="checkbox" checked={timed} onChange={(event) => setTimed(event.target.checked)} /> 40 seconds
        </label>
        <span className="num" role="status">
          {making ? 'A mesh runs with one fault.' : `${score.right} of ${score.of} right`}
        </span>
      </div>
      {failure && <p className="said-wrong">{failure}</p>}
      {round && (
        <>
          {timed && !verdict && (
            <Countdown key={round.number} seconds={round.seconds} onEnd={() => void say('no answer')} />
          )}
          <Spans spans={round.spans} />
          <Edges round={round} />
          <section aria-label="One line of a log">
            <h3>Access log of {round.log.of}</h3>
            <pre {...scrolled('The line')}>{round.log.line}</pre>
          </section>
          <section aria-label="Which part is at fault">
            <h3>Which part is at fault?</h3>
            <div className="says">
              {round.parts.map((part) => (
                <button
                  key={part}
                  type="button"
                  className="btn"
                  disabled={verdict !== undefined}
                  onClick={() => void say(part)}
                >
                  {part}
                </button>
              ))}
            </div>
          </section>
        </>
      )}
      <div role="status">
        {verdict && (
          <p className={verdict.right ? 'said-right' : 'said-wrong'}>
            <b>
              {verdict.right ? 'Right' : verdict.said === 'no answer' ? 'The time is up' : `Not the ${verdict.said}`}:{' '}
              {verdict.part}.
            </b>{' '}
            {verdict.why}
          </p>
        )}
      </div>
    </div>
  );
}

function Countdown({ seconds, onEnd }: { seconds: number; onEnd: () => void }) {
  const [left, setLeft] = useState(seconds);
  useEffect(() => {
    if (left <= 0) {
      onEnd();
      return;
    }
    const timer = setTimeout(() => setLeft(left - 1), 1000);
    return () => clearTimeout(timer);
  }, [left, onEnd]);
  return (
    <p className="num" role="timer" aria-label="Seconds left">
      {left} s
    </p>
  );
}

/** The trace as lines: who, on which side, for how long, with what answer. */
function Spans({ spans }: { spans: readonly SpanView[] }) {
  const firstMs = Math.min(...spans.map(({ startMs }) => startMs));
  const longest = Math.max(1, ...spans.map(({ startMs, durationMs }) => startMs - firstMs + durationMs));
  return (
    <section aria-label="One trace">
      <h3>One request</h3>
      <ol className="spans">
        {spans.map((span) => (
          <li key={`${span.spanId} ${span.kind}`} style={{ paddingLeft: `${span.depth * 12}px` }}>
            <span>
              {span.service}, {span.kind}
            </span>
            <span className="num">
              {formatMs(span.durationMs)} · {span.status === 0 ? 'no answer' : span.status} {span.flags.join(' ')}
            </span>
            <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
              <rect
                x={((span.startMs - firstMs) / longest) * 100}
                width={Math.max(0.5, (span.durationMs / longest) * 100)}
                height="4"
                className={span.status >= 400 || span.status === 0 ? 'burnt' : 'ink'}
              />
            </svg>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Edges({ round }: { round: BlameRound }) {
  return (
    <section aria-label="Numbers">
      <h3>Numbers of the run</h3>
      <div {...scrolled('Numbers by edge')} className="wide">
        <table className="score num">
          <thead>
            <tr>
              <th scope="col">Edge</th>
              <th scope="col">Sent</th>
              <th scope="col">Received</th>
              <th scope="col">Failed</th>
              <th scope="col">p50</th>
              <th scope="col">p99</th>
            </tr>
          </thead>
          <tbody>
            {round.edges.map((edge) => (
              <tr key={`${edge.from} ${edge.to}`}>
                <th scope="row">
                  {edge.from} to {edge.to}
                </th>
                <td>{edge.sent}</td>
                <td>{edge.received}</td>
                <td>{edge.failed}</td>
                <td>{formatMs(edge.p50)}</td>
                <td>{formatMs(edge.p99)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
