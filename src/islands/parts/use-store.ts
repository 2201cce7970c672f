import type { ReadableAtom } from 'nanostores';
import { createContext, useCallback, useContext, useSyncExternalStore } from 'react';
import type { LabClient } from '../../lab-client/index.ts';

/** The value of a store, drawn again when it changes. */
export function useStore<T>(store: ReadableAtom<T>): T {
  const subscribe = useCallback((changed: () => void) => store.listen(() => changed()), [store]);
  const read = useCallback(() => store.get(), [store]);
  return useSyncExternalStore(subscribe, read, read);
}

export const LabContext = createContext<LabClient | undefined>(undefined);

/** The lab of this page. */
export function useLab(): LabClient {
  const lab = useContext(LabContext);
  if (!lab) throw new Error('This part stands outside a lab page.');
  return lab;
}
