import { useEffect, useState } from 'react';

/** A file of the site as it arrives; `failed` where it cannot be had. */
export interface Loaded<Content> {
  readonly content?: Content;
  readonly failed: boolean;
}

export function useJson<Content>(url: string): Loaded<Content> {
  const [loaded, setLoaded] = useState<Loaded<Content>>({ failed: false });
  useEffect(() => {
    fetch(url)
      .then((answer) =>
        answer.ok ? (answer.json() as Promise<Content>) : Promise.reject(new Error(`${url}: ${answer.status}`)),
      )
      .then((content) => setLoaded({ content, failed: false }))
      .catch((error: unknown) => {
        console.error(error);
        setLoaded({ failed: true });
      });
  }, [url]);
  return loaded;
}
