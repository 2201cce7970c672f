import { type Ref, useImperativeHandle, useRef, useState } from 'react';
import { useLab } from '../parts/use-store.ts';

export interface KubeAccessHandle {
  open(): Promise<void>;
}

const FILE = 'meshwork-kubeconfig.yaml';

/** Lends the learner's own tools the way into the mesh: a kubeconfig to copy or to save. */
export function KubeAccess({ handle }: { handle: Ref<KubeAccessHandle> }) {
  const lab = useLab();
  const dialog = useRef<HTMLDialogElement>(null);
  const [kubeconfig, setKubeconfig] = useState('');
  useImperativeHandle(handle, () => ({
    open: async () => {
      try {
        setKubeconfig((await lab.kubeAccess()).kubeconfig);
        dialog.current?.showModal();
      } catch (error) {
        lab.fail(error);
      }
    },
  }));
  const copy = (): void => {
    navigator.clipboard.writeText(kubeconfig).then(
      () => lab.toast({ text: 'The kubeconfig is copied.', error: false }),
      () => lab.toast({ text: 'The browser did not allow copying. Save the file instead.', error: true }),
    );
  };
  return (
    <dialog className="solution" ref={dialog} aria-labelledby="kube-access-title">
      <h2 id="kube-access-title">Your own kubectl</h2>
      <p>
        Save this file on the machine that runs Meshwork. kubectl, istioctl and other clients then work on this mesh, as
        long as it runs.
      </p>
      <pre className="mono">
        <code>{`export KUBECONFIG=$PWD/${FILE}\nkubectl get pods\nistioctl proxy-status`}</code>
      </pre>
      <textarea className="mono" readOnly rows={8} aria-label="kubeconfig" value={kubeconfig} />
      <div className="row">
        <a className="btn go" download={FILE} href={`data:text/yaml;charset=utf-8,${encodeURIComponent(kubeconfig)}`}>
          Save the file
        </a>
        <button type="button" className="btn" onClick={copy}>
          Copy
        </button>
        <button type="button" className="btn" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
    </dialog>
  );
}
