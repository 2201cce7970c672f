import { type KeyboardEvent, type PointerEvent, useRef } from 'react';

interface SplitterProps {
  label: string;
  /** vertical: a standing line that moves left and right. */
  direction: 'vertical' | 'horizontal';
  value: number;
  min: number;
  max: number;
  /** 1 when a larger value moves the line right or down, -1 when it moves it left or up. */
  sign: 1 | -1;
  onChange: (value: number) => void;
  onReset: () => void;
  className?: string;
}

const STEP = 16;

/** A movable line between two panels: drag it, or arrows move 16 px; Home, End and a double-click set its limits and its start. */
export function Splitter(props: SplitterProps) {
  const { direction, value, min, max, sign, onChange, onReset } = props;
  const from = useRef<{ at: number; value: number } | undefined>(undefined);
  const clamp = (wanted: number): number => Math.min(max, Math.max(min, Math.round(wanted)));
  const place = (event: PointerEvent): number => (direction === 'vertical' ? event.clientX : event.clientY);
  const down = (event: PointerEvent<HTMLHRElement>): void => {
    event.currentTarget.setPointerCapture(event.pointerId);
    from.current = { at: place(event), value };
  };
  const move = (event: PointerEvent): void => {
    if (from.current) onChange(clamp(from.current.value + sign * (place(event) - from.current.at)));
  };
  const key = (event: KeyboardEvent): void => {
    const forward = direction === 'vertical' ? 'ArrowRight' : 'ArrowDown';
    const back = direction === 'vertical' ? 'ArrowLeft' : 'ArrowUp';
    const wanted: Record<string, number> = {
      [forward]: value + sign * STEP,
      [back]: value - sign * STEP,
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
      className={`splitter ${direction} ${props.className ?? ''}`}
      tabIndex={0}
      aria-label={props.label}
      aria-orientation={direction}
      aria-valuenow={value}
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
