import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from 'react';

interface SplitterProps {
  label: string;
  /** vertical: a standing line that moves left and right. */
  direction: 'vertical' | 'horizontal';
  /** The panel whose width or height the line sets. Its size on screen is where a move begins. */
  sized: 'previous' | 'next' | 'parent';
  min: number;
  max: number;
  /** 1 when a larger value moves the line right or down, -1 when it moves it left or up. */
  sign: 1 | -1;
  onChange: (value: number) => void;
  onReset: () => void;
  className?: string;
}

const STEP = 16;

function panelOf(line: HTMLElement, sized: SplitterProps['sized']): HTMLElement | null {
  const panel = {
    previous: line.previousElementSibling,
    next: line.nextElementSibling,
    parent: line.parentElement,
  }[sized];
  return panel instanceof HTMLElement ? panel : null;
}

/** A movable line between two panels: drag it, or arrows move 16 px; Home, End and a double-click set its limits and its start. */
export function Splitter(props: SplitterProps) {
  const { direction, sized, min, max, sign, onChange, onReset } = props;
  const line = useRef<HTMLHRElement>(null);
  const from = useRef<{ at: number; value: number } | undefined>(undefined);
  const [shown, setShown] = useState(0);
  const sizeOf = (panel: HTMLElement): number => (direction === 'vertical' ? panel.offsetWidth : panel.offsetHeight);
  const measure = useRef(sizeOf);
  measure.current = sizeOf;
  useEffect(() => {
    const panel = line.current && panelOf(line.current, sized);
    if (!panel) return;
    const observer = new ResizeObserver(() => setShown(measure.current(panel)));
    observer.observe(panel);
    return () => observer.disconnect();
  }, [sized]);
  const here = (): number => {
    const panel = line.current && panelOf(line.current, sized);
    return panel ? sizeOf(panel) : shown;
  };
  const clamp = (wanted: number): number => Math.min(max, Math.max(min, Math.round(wanted)));
  const place = (event: PointerEvent): number => (direction === 'vertical' ? event.clientX : event.clientY);
  const down = (event: PointerEvent<HTMLHRElement>): void => {
    event.currentTarget.setPointerCapture(event.pointerId);
    from.current = { at: place(event), value: here() };
  };
  const move = (event: PointerEvent): void => {
    if (from.current) onChange(clamp(from.current.value + sign * (place(event) - from.current.at)));
  };
  const key = (event: KeyboardEvent): void => {
    const forward = direction === 'vertical' ? 'ArrowRight' : 'ArrowDown';
    const back = direction === 'vertical' ? 'ArrowLeft' : 'ArrowUp';
    const wanted: Record<string, number> = {
      [forward]: here() + sign * STEP,
      [back]: here() - sign * STEP,
      Home: min,
      End: max,
    };
    const next = wanted[event.key];
    if (next === undefined && event.key !== 'Enter') return;
    event.preventDefault();
    if (next === undefined) onReset();
    else onChange(clamp(next));
  };
  return (
    <hr
      ref={line}
      className={`splitter ${direction} ${props.className ?? ''}`}
      tabIndex={0}
      aria-label={props.label}
      aria-orientation={direction}
      aria-valuenow={clamp(shown)}
      aria-valuemin={min}
      aria-valuemax={max}
      onPointerDown={down}
      onPointerMove={move}
      onPointerUp={() => {
        from.current = undefined;
      }}
      onDoubleClick={onReset}
      onKeyDown={key}
    />
  );
}
