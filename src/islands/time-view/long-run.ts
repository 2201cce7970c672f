import { useEffect, useState } from 'react';
import type { Method, Params, ProgressEvent, Results } from '#contract';
import { sayError } from '../../lab-client/index.ts';
import { useLab } from '../parts/use-store.ts';

/** Longer than any replay may take. */
const LIMIT_MS = 300_000;

export interface LongRun<M extends Method> {
  result: Results[M] | undefined;
  /** What it says while it is under way; undefined when it is not. */
  progress: Pick<ProgressEvent, 'text' | 'done' | 'total'> | undefined;
  failure: string | undefined;
  run(method: M, params: Params<M>): Promise<void>;
}

/** A question to the lab that takes its time, with what it says meanwhile. */
export function useLongRun<M extends Method>(of: ProgressEvent['of']): LongRun<M> {
  const lab = useLab();
  const [result, setResult] = useState<Results[M]>();
  const [progress, setProgress] = useState<LongRun<M>['progress']>();
  const [failure, setFailure] = useState<string>();
  useEffect(() => {
    const listen: Parameters<typeof lab.eventListeners.add>[0] = (event) => {
      if (event.type === 'progress' && event.of === of) setProgress((now) => (now ? event : now));
    };
    lab.eventListeners.add(listen);
    return () => void lab.eventListeners.delete(listen);
  }, [lab, of]);
  const run = async (method: M, params: Params<M>): Promise<void> => {
    setFailure(undefined);
    setProgress({ text: 'It begins.', done: 0, total: 1 });
    try {
      setResult(await lab.request(method, params, LIMIT_MS));
    } catch (error) {
      setFailure(sayError(error));
    } finally {
      setProgress(undefined);
    }
  };
  return { result, progress, failure, run };
}
