// What a reader's browser makes of this page, sent to the frame around it as JSON.
const luminance = color => {
  const linear = color.slice(0, 3).map(value => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
};
const parsed = text => text.match(/[\d.]+/g).map(Number);
const ground = element => {
  for (let at = element; at; at = at.parentElement) {
    const color = parsed(getComputedStyle(at).backgroundColor);
    if (color.length < 4 || color[3] === 1) return color;
  }
  return [255, 255, 255];
};
const contrast = element => {
  const [light, dark] = [luminance(parsed(getComputedStyle(element).color)), luminance(ground(element))]
    .sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
};
const hasText = element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
const named = element => `${element.tagName} ${element.className} ${element.textContent.trim().slice(0, 40)}`;
const all = selector => [...document.querySelectorAll(selector)];
const right = () => document.documentElement.clientWidth;
const pans = () => document.documentElement.scrollWidth - right();
const frame = () => new Promise(done => setTimeout(done, 50));

const follow = async link => {
  location.hash = link;
  await frame();
  const target = document.getElementById(link.slice(1));
  const box = target && target.getBoundingClientRect();
  const isShown = target && target.checkVisibility({contentVisibilityAuto: true}) && box.height > 0;
  return Boolean(isShown && box.top < innerHeight && box.bottom > 0);
};

addEventListener("load", async () => {
  const links = all("a").map(link => link.getAttribute("href"));
  const within = [...new Set(links.filter(link => link.startsWith("#")))];
  const measured = {
    pans: pans(),
    leaving: all("nav a").filter(link => link.getBoundingClientRect().right > right() + 1).map(named),
    ground: luminance(ground(document.body)),
    files: [...new Set(links.filter(link => !link.startsWith("#")))],
    dead: [],
  };
  for (const link of within) if (!await follow(link)) measured.dead.push(link);
  all("details").forEach(folded => { folded.open = true; });
  await Promise.all(all("img").map(image => image.complete ? null : new Promise(done => image.addEventListener("load", done))));
  await frame();
  measured.pansOpen = pans();
  measured.broken = all("img").filter(image => !image.naturalWidth).map(image => image.alt);
  measured.small = all("img").filter(image => image.clientWidth < Number(image.getAttribute("width")))
    .map(image => image.alt);
  measured.images = all("img").length;
  measured.cut = all("body *").filter(element => {
    const box = element.getBoundingClientRect();
    return box.right > right() + 1 && !element.closest(".wide, .picture");
  }).map(named);
  measured.faint = all("body *").filter(element => hasText(element) && contrast(element) < 4.5).map(named);
  measured.requests = performance.getEntriesByType("resource").map(entry => entry.name);
  parent.postMessage(JSON.stringify(measured), "*");
});
