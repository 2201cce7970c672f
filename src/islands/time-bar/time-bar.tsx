import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from 'react';
import type { PushView } from '#contract';
import { formatTime } from '../parts/format.ts';
import { Icon, Mark } from '../parts/sign.tsx';
import { useSize } from '../parts/use-size.ts';
import { useLab, useStore } from '../parts/use-store.ts';
import { failurePath, groundPath, type PushMark, placeMarks, shareOf, spanOf, WIDTH } from './scale.ts';

/** The foot of the lab: rate, failures and pushes along time. In the past, the map and the list show that moment. */
export function TimeBar() {
  const lab = useLab();
  const history = useStore(lab.stores.history);
  const pushes = useStore(lab.stores.pushes);
  const { atMs, push: shown } = useStore(lab.stores.view);
  const connection = useStore(lab.stores.connection);
  const nowMs = useNow();
  const line = useRef<HTMLDivElement>(null);
  const { width } = useSize(line);
  const span = spanOf(history, pushes, nowMs);
  const goTo = (push: PushView): void => lab.show({ atMs: push.atMs + (push.effectiveMs ?? 0), push: push.number });
  const step = (by: 1 | -1): void => {
    const here = atMs ?? nowMs;
    const next =
      by === -1 ? pushes.findLast((push) => push.atMs < here - 500) : pushes.find((push) => push.atMs > here);
    if (next) goTo(next);
    else if (by === 1) lab.goLive();
  };
  const steps = useRef(step);
  steps.current = step;
  const foot = useRef<HTMLElement>(null);
  useEffect(() => {
    const element = foot.current;
    const key = (event: globalThis.KeyboardEvent): void => {
      if (event.key === '[') steps.current(-1);
      else if (event.key === ']') steps.current(1);
    };
    element?.addEventListener('keydown', key);
    return () => element?.removeEventListener('keydown', key);
  }, []);
  const here = shareOf(span, atMs ?? nowMs);
  return (
    <footer className="time" ref={foot}>
      <button type="button" className="btn quiet sq" aria-label="Back one push" onClick={() => step(-1)}>
        <Icon name="back" />
      </button>
      <div className="line" ref={line}>
        <svg viewBox={`0 0 ${WIDTH} 54`} preserveAspectRatio="none" className="tl" aria-hidden="true">
          <path d={groundPath(history, span)} className="ground" />
          <path d={`M0 36H${WIDTH}`} className="rail" vectorEffect="non-scaling-stroke" />
          <path d={failurePath(history, span)} className="failures" vectorEffect="non-scaling-stroke" />
        </svg>
        <Playhead
          share={here}
          past={atMs !== undefined}
          words={atMs === undefined ? 'live' : `${pushName(shown)}, ${formatTime(atMs, false)}`}
          onLive={() => lab.goLive()}
          onMove={(share) => {
            const to = span.fromMs + share * (span.toMs - span.fromMs);
            lab.show({ atMs: to, push: inForce(pushes, to) });
          }}
        />
        {placeMarks(pushes, span, { widthPx: width, headPx: here * width }).map((mark) => (
          <PushButton key={mark.push.number} mark={mark} onGo={goTo} />
        ))}
      </div>
      <div className="live num">
        {atMs === undefined ? (
          <>
            {formatTime(nowMs, false)} <span>{connection === 'open' ? 'live' : 'stopped'}</span>
          </>
        ) : (
          <>
            <span className="at" role="status">
              You are at <b>{pushName(shown)}</b>
            </span>
            <button type="button" className="btn quiet" onClick={() => lab.show({ dock: 'time', panel: 'dock' })}>
              Look closer
            </button>
            <button type="button" className="btn" onClick={() => lab.goLive()}>
              Live
            </button>
          </>
        )}
      </div>
    </footer>
  );
}

const pushName = (number: number | undefined): string => (number ? `push ${number}` : 'the start');

/** The push that was in force then; 0: the start. */
function inForce(pushes: readonly PushView[], atMs: number): number {
  return pushes.findLast((push) => push.atMs + (push.effectiveMs ?? 0) <= atMs)?.number ?? 0;
}

/** The time, once a second. */
function useNow(): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return nowMs;
}

/** A mark on the rail. One that an earlier one speaks for is there for the keyboard, and shows itself while it has the focus. */
function PushButton({ mark, onGo }: { mark: PushMark; onGo: (push: PushView) => void }) {
  const { push, xPx, boxPx, numbers, title } = mark;
  const inside = { left: xPx - boxPx };
  return (
    <>
      {numbers === undefined && (
        <span className="diamond" style={{ left: xPx }}>
          <Mark name="push" />
        </span>
      )}
      <button
        type="button"
        className={numbers === undefined ? 'push spoken-for' : 'push'}
        style={{ left: boxPx }}
        onClick={() => onGo(push)}
      >
        <span className="sr">
          Go to push {push.number}, {push.title}
        </span>
        <span aria-hidden="true" style={inside}>
          <b>{numbers ?? push.number}</b> {title && push.title}
        </span>
        <span className="diamond" style={inside}>
          <Mark name="push" />
        </span>
      </button>
    </>
  );
}

interface PlayheadProps {
  share: number;
  past: boolean;
  words: string;
  onMove: (share: number) => void;
  onLive: () => void;
}

function Playhead({ share, past, words, onMove, onLive }: PlayheadProps) {
  const dragging = useRef(false);
  const moved = (event: PointerEvent<HTMLElement>): void => {
    const box = event.currentTarget.parentElement?.getBoundingClientRect();
    if (dragging.current && box) onMove(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)));
  };
  const key = (event: KeyboardEvent): void => {
    const by = { ArrowLeft: -0.01, ArrowRight: 0.01, PageUp: -0.1, PageDown: 0.1, Home: -1 }[event.key];
    if (by === undefined && event.key !== 'End') return;
    event.preventDefault();
    // The right end is the present.
    if (by === undefined || share + by >= 1) onLive();
    else onMove(Math.max(0, share + by));
  };
  return (
    <div
      className={past ? 'playhead past' : 'playhead'}
      style={{ left: `${share * 100}%` }}
      role="slider"
      tabIndex={0}
      aria-label="Moment shown"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(share * 100)}
      aria-valuetext={words}
      onPointerDown={(event) => {
        dragging.current = true;
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={moved}
      onPointerUp={() => {
        dragging.current = false;
      }}
      onKeyDown={key}
    />
  );
}
