# Needs result tables. Makes the figures: nothing here computes, so a figure option recomputes no result.

drawn = [figure for figure in all_figures if figure.inputs]


rule figures:
    """Every figure of the search, the inference and the all-sky map, in one job: most of it is starting matplotlib."""
    input:
        sorted({path for figure in drawn for path in figure.inputs}),
    output:
        **{
            kind: report(
                [
                    file
                    for figure in drawn
                    if figure.kind == kind
                    for file in paths.figure(figure.stem, cfg.figures.formats)
                ],
                caption=f"../report/{KINDS[kind].caption or kind}.rst",
            )
            for kind in dict.fromkeys(figure.kind for figure in drawn)
        },
    log:
        paths.log("figures/search"),
    benchmark:
        paths.benchmark("figures/search")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **requested("figures"),
    params:
        figures=[vars(figure) for figure in drawn],
        options=cfg.figures.model_dump(),
    message:
        "Drawing the figures"
    script:
        "../scripts/figures.py"
