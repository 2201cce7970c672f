import { useEffect, useRef } from 'react';
import type { MeshEdge } from '#contract';
import type { Track } from './layout.ts';
import { pointAt } from './layout.ts';
import { advance, type Flow, MARK_CAP, type MovingMark, stillFlow } from './marks.ts';

interface MovingProps {
  edges: readonly MeshEdge[];
  tracks: ReadonlyMap<string, Track>;
}

const SLOTS = Array.from({ length: MARK_CAP }, (_, index) => index);

/** Thirty pictures a second are smooth for marks this slow, and leave the machine to the mesh. */
const FRAME_MS = 30;

function place(element: SVGGElement, mark: MovingMark, track: Track): void {
  const { x, y, angle } = pointAt(track, mark.share);
  const turn = mark.outcome === 'slow' ? ` rotate(${angle.toFixed(1)})` : '';
  element.setAttribute('transform', `translate(${x.toFixed(1)} ${y.toFixed(1)})${turn}`);
  element.setAttribute('class', `mark ${mark.outcome}`);
}

/**
 * The moving marks. They are drawn by hand, frame by frame, into sixty groups that stay: the tree of the page does not
 * change while traffic moves.
 */
export function Moving({ edges, tracks }: MovingProps) {
  const group = useRef<SVGGElement>(null);
  const input = useRef({ edges, tracks });
  input.current = { edges, tracks };
  useEffect(() => {
    let flow: Flow = stillFlow;
    let last: number | undefined;
    let frame = 0;
    const draw = (now: number): void => {
      frame = requestAnimationFrame(draw);
      if (last !== undefined && now - last < FRAME_MS) return;
      const { edges: edgesNow, tracks: tracksNow } = input.current;
      const lengths = new Map([...tracksNow].map(([key, track]) => [key, track.length]));
      flow = advance(flow, edgesNow, last === undefined ? 16 : Math.min(100, now - last), lengths);
      last = now;
      const slots = group.current?.children;
      for (const index of SLOTS) {
        const element = slots?.[index] as SVGGElement | undefined;
        const mark = flow.marks[index];
        const track = mark && tracksNow.get(mark.edge);
        if (!element) continue;
        if (mark && track) place(element, mark, track);
        else element.setAttribute('class', 'mark none');
      }
    };
    frame = requestAnimationFrame(draw);
    return () => cancelAnimationFrame(frame);
  }, []);
  return (
    <g ref={group}>
      {SLOTS.map((slot) => (
        <g key={slot} className="mark none">
          <circle r="4" className="m-ok" />
          <rect x="-9" y="-3.5" width="18" height="7" rx="3.5" className="m-slow" />
          <path d="M-4-4l8 8M4-4l-8 8" className="m-halo" />
          <path d="M-4-4l8 8M4-4l-8 8" className="m-failed" />
        </g>
      ))}
    </g>
  );
}
