import { type PanelView, panelViews } from '../../lab-client/index.ts';
import { Icon } from '../parts/sign.tsx';
import { useLab, useStore } from '../parts/use-store.ts';

const PANELS: Record<PanelView, { word: string; icon: string }> = {
  read: { word: 'Read', icon: 'read' },
  edit: { word: 'Edit', icon: 'pen' },
  map: { word: 'Mesh', icon: 'map' },
  why: { word: 'Why', icon: 'why' },
  dock: { word: 'Dock', icon: 'term' },
};

/** The bar of a phone: one panel at a time. */
export function PanelBar() {
  const lab = useLab();
  const { panel } = useStore(lab.stores.view);
  return (
    <nav className="tabbar" aria-label="Panels">
      {panelViews.map((key) => (
        <button
          key={key}
          type="button"
          aria-current={key === panel ? 'true' : undefined}
          onClick={() => lab.show({ panel: key })}
        >
          <Icon name={PANELS[key].icon} />
          {PANELS[key].word}
        </button>
      ))}
    </nav>
  );
}
