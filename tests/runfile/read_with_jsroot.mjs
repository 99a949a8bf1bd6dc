// Prints a file's trees, documents and histograms as JSROOT reads them, as one JSON object.
import { openFile } from 'jsroot';
import { TSelector, treeProcess } from 'jsroot/tree';

const file = await openFile(process.argv[2]);
const said = { trees: {}, texts: {}, histograms: {}, graphs: {} };

async function columns(tree) {
    const names = tree.fBranches.arr.map(branch => branch.fName);
    const rows = Object.fromEntries(names.map(name => [name, []]));
    const selector = new TSelector();
    for (const name of names)
        selector.addBranch(name);
    selector.Process = function () {
        for (const name of names) {
            const value = this.tgtobj[name];
            rows[name].push(typeof value === 'number' || typeof value === 'bigint' ? Number(value) : Array.from(value, Number));
        }
    };
    await treeProcess(tree, selector);
    return rows;
}

async function walk(folder, prefix) {
    for (const key of folder.fKeys) {
        const name = prefix + key.fName;
        if (key.fClassName === 'TTree')
            said.trees[name] = await columns(await file.readObject(name));
        else if (key.fClassName === 'TObjString')
            said.texts[name] = (await file.readObject(name)).fString;
        else if (key.fClassName.startsWith('TDirectory'))
            await walk(await file.readDirectory(name), name + '/');
        else if (key.fClassName.startsWith('TH1')) {
            const h = await file.readObject(name);
            said.histograms[name] = {
                title: h.fTitle, counts: Array.from(h.fArray), entries: h.fEntries,
                low: h.fXaxis.fXmin, high: h.fXaxis.fXmax, x: h.fXaxis.fTitle,
                functions: h.fFunctions ? h.fFunctions.arr.map(f => f._typename) : [],
            };
        } else if (key.fClassName.startsWith('TGraph')) {
            const g = await file.readObject(name);
            said.graphs[name] = { x: Array.from(g.fX), y: Array.from(g.fY) };
        }
    }
}

await walk(file, '');
// NaN is no JSON: it is written as null.
process.stdout.write(JSON.stringify(said));
