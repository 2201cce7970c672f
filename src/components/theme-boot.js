(() => {
  const chosen = (() => {
    try {
      return localStorage.getItem('meshwork-theme');
    } catch {
      return null;
    }
  })();
  const wants = (query) => matchMedia(query).matches;
  const system = wants('(prefers-contrast: more)')
    ? 'contrast'
    : wants('(prefers-color-scheme: dark)')
      ? 'dark'
      : 'light';
  document.documentElement.dataset.theme = ['light', 'dark', 'contrast'].includes(chosen) ? chosen : system;
})();
