import { Fragment, type KeyboardEvent, type ReactNode, useEffect, useRef } from 'react';

export interface Tab<K extends string> {
  key: K;
  label: ReactNode;
  count?: number;
  /** The count counts failures. */
  bad?: boolean;
  /** Where there are two rows, the second begins with it. */
  begins?: boolean;
}

interface TabsProps<K extends string> {
  tabs: readonly Tab<K>[];
  selected: K;
  onSelect: (key: K) => void;
  label: string;
  /** The Delete key on a tab. */
  onDelete?: (key: K) => void;
  /** Id of a tab is `<id>-<key>`, of its panel `<id>-panel`. */
  id: string;
}

const PEEK = 32;

/** A tab list: arrow keys move, one tab stop. */
export function Tabs<K extends string>({ tabs, selected, onSelect, onDelete, label, id }: TabsProps<K>) {
  const list = useRef<HTMLDivElement>(null);
  // Of more tabs than fit, the chosen one is in sight. Not by scrollIntoView: that would move the place where Tab begins.
  useEffect(() => {
    const tab = list.current?.querySelector<HTMLElement>(`#${id}-${CSS.escape(selected)}`);
    if (!list.current || !tab) return;
    const [view, box] = [list.current.getBoundingClientRect(), tab.getBoundingClientRect()];
    // The next one shows its beginning, so that there is more is seen.
    list.current.scrollLeft += Math.min(0, box.left - PEEK - view.left) + Math.max(0, box.right + PEEK - view.right);
  }, [id, selected]);
  const move = (event: KeyboardEvent): void => {
    if (event.key === 'Delete') onDelete?.(selected);
    const here = tabs.findIndex((tab) => tab.key === selected);
    const steps: Record<string, number> = {
      ArrowRight: here + 1,
      ArrowLeft: here - 1,
      Home: 0,
      End: tabs.length - 1,
    };
    const wanted = steps[event.key];
    if (wanted === undefined) return;
    event.preventDefault();
    const next = tabs[(wanted + tabs.length) % tabs.length];
    if (!next) return;
    onSelect(next.key);
    list.current?.querySelector<HTMLElement>(`#${id}-${CSS.escape(next.key)}`)?.focus();
  };
  return (
    <div className="tabs" role="tablist" aria-label={label} ref={list} onKeyDown={move}>
      {tabs.map((tab) => (
        <Fragment key={tab.key}>
          {tab.begins && <span className="row-end" />}
          <button
            type="button"
            role="tab"
            id={`${id}-${tab.key}`}
            aria-selected={tab.key === selected}
            aria-controls={`${id}-panel`}
            tabIndex={tab.key === selected ? 0 : -1}
            onClick={() => onSelect(tab.key)}
          >
            {tab.label}
            {tab.count ? <span className={tab.bad ? 'n bad' : 'n'}>{tab.count}</span> : null}
          </button>
        </Fragment>
      ))}
    </div>
  );
}
