import { useEffect } from 'react';
import type { Toast } from '../../lab-client/index.ts';
import { Icon } from '../parts/sign.tsx';
import { useLab, useStore } from '../parts/use-store.ts';

const SHOWN_MS = 7000;

/** One sentence, one action. An error stays until it is dismissed. */
export function Toasts() {
  const toasts = useStore(useLab().stores.toasts);
  return (
    <div className="toasts" aria-live="polite">
      {toasts.map((toast) => (
        <OneToast key={toast.id} toast={toast} />
      ))}
    </div>
  );
}

function OneToast({ toast }: { toast: Toast }) {
  const lab = useLab();
  const { id, error, action } = toast;
  useEffect(() => {
    if (error || action) return;
    const timer = setTimeout(() => lab.dismiss(id), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [lab, id, error, action]);
  return (
    <div className={error ? 'toast error' : 'toast'} role={error ? 'alert' : undefined}>
      <p>{toast.text}</p>
      {action && (
        <button
          type="button"
          className="btn"
          onClick={() => {
            lab.dismiss(id);
            action.run();
          }}
        >
          {action.label}
        </button>
      )}
      <button type="button" className="btn quiet sq" aria-label="Dismiss" onClick={() => lab.dismiss(id)}>
        <Icon name="x" />
      </button>
    </div>
  );
}
