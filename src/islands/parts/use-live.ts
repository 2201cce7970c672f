import { useCallback, useEffect, useRef, useState } from 'react';
import type { Method, Params, Results } from '#contract';
import { sayError } from '../../lab-client/index.ts';
import { useLab, useStore } from './use-store.ts';

export type Live<T> =
  | { state: 'loading' }
  | { state: 'failed'; message: string; retry: () => void }
  | { state: 'ready'; value: T };

interface LiveOptions {
  /** Asked again at most this often while the mesh moves. Default 1 s; 0: once. */
  everyMs?: number;
  /** False: nothing is asked. Default true. */
  wanted?: boolean;
}

/** The lab's answer to a question, asked anew while the mesh moves. What was known stays on the screen until a newer answer comes. */
export function useLive<M extends Method>(method: M, params: Params<M>, options: LiveOptions = {}): Live<Results[M]> {
  const { everyMs = 1000, wanted = true } = options;
  const lab = useLab();
  const connection = useStore(lab.stores.connection);
  const key = `${method} ${JSON.stringify(params)}`;
  const [answer, setAnswer] = useState<{ key: string; live: Live<Results[M]> }>({
    key: '',
    live: { state: 'loading' },
  });
  const asked = useRef<{ key: string; params: Params<M>; atMs: number; open: boolean }>(undefined);
  const ask = useCallback((): void => {
    const question = asked.current;
    if (!question || question.open) return;
    question.open = true;
    question.atMs = performance.now();
    const settle = (live: Live<Results[M]>): void => {
      question.open = false;
      if (asked.current === question) setAnswer({ key: question.key, live });
    };
    lab.request(method, question.params).then(
      (value) => settle({ state: 'ready', value }),
      (error: unknown) => settle({ state: 'failed', message: sayError(error), retry: ask }),
    );
  }, [lab, method]);
  useEffect(() => {
    if (!wanted || connection !== 'open') return;
    asked.current = { key, params: JSON.parse(key.slice(method.length + 1)) as Params<M>, atMs: 0, open: false };
    ask();
    if (everyMs === 0) return;
    return lab.stores.mesh.listen(() => {
      const question = asked.current;
      if (question && performance.now() - question.atMs >= everyMs - 200) ask();
    });
  }, [ask, connection, everyMs, key, lab, method, wanted]);
  return answer.key === key ? answer.live : { state: 'loading' };
}
