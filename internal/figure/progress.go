package figure

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/phrase"
	"nidan/internal/progress"
	"nidan/internal/rollout"
)

// requests is how often each page is asked for.
const requests = 50

// progress: the pages on which operators watch a rollout, and what an end would
// mean, over a crowd; and that the figures kept of it are what its rows say.
func (r *Run) progress(ctx context.Context) error {
	crowd := crowdOf(r.Accounts)
	w, err := r.build(ctx)
	defer w.close()
	if err != nil {
		return err
	}
	began := clk.Machine()
	staff, plan, err := w.fill(ctx, w.portal.Keys, crowd, func(people int) {
		if people%200_000 == 0 {
			r.tell("%s people are written …", phrase.Number(int64(people)))
		}
	})
	if err != nil {
		return err
	}
	r.told(fmt.Sprintf("writing %s accounts in %s organizations", phrase.Number(int64(crowd.Accounts)), phrase.Number(int64(crowd.Organizations))), clk.Machine().Sub(began).Seconds(), "s")
	// The crowd's reminders would be due: they are measured by themselves.
	if err := w.serve(ctx, false); err != nil {
		return err
	}
	if err := r.watched(ctx, w, staff, "/operator/rollouts/"+plan.ID); err != nil {
		return err
	}
	if err := r.foresee(ctx, w, plan, crowd); err != nil {
		return err
	}
	r.tell("counted anew …")
	began = clk.Machine()
	found, err := progress.Recount(ctx, w.db, false, nil)
	if err != nil {
		return err
	}
	r.told("recount of everybody", clk.Machine().Sub(began).Seconds(), "s")
	r.atMost("figures that the recount finds different", float64(found.Different), 0, "")
	return nil
}

// watched are the pages of a rollout's progress.
func (r *Run) watched(ctx context.Context, w *world, staff Person, rollout string) error {
	names := []string{"progress", "organizations?sort=share"}
	order := Order{URL: w.url, Do: "pages", Times: requests, People: []Person{staff}}
	for _, name := range names {
		order.Paths = append(order.Paths, rollout+"/"+name)
	}
	began := clk.Machine()
	if _, err := progress.Unreached(ctx, w.db); err != nil {
		return err
	}
	r.told("count of whom mail does not reach, beside the requests", millis(clk.Machine().Sub(began)), "ms")
	before := cpu()
	report, err := r.load(ctx, order)
	if err != nil {
		return err
	}
	r.told("CPU of one request of these pages", millis(cpu()-before)/float64(len(names)*requests), "ms")
	for i, path := range order.Paths {
		r.told("operators' page "+names[i]+": median", millis(quantile(report.Pages[path], 0.5)), "ms")
		r.atMost("operators' page "+names[i]+": 99th percentile", millis(quantile(report.Pages[path], 0.99)), 100, "ms")
	}
	return nil
}

// foresee is the dry run of the rollout's own end.
func (r *Run) foresee(ctx context.Context, w *world, plan rollout.Plan, crowd Crowd) error {
	var times []time.Duration
	for range 5 {
		began := clk.Machine()
		book, err := rollout.ReadBook(ctx, w.db)
		if err != nil {
			return err
		}
		out, err := rollout.Foresee(ctx, w.db, rollout.NewDryRun(w.portal.Clock.Now(), book, plan, plan.Ends), nil)
		if err != nil {
			return err
		}
		times = append(times, clk.Machine().Sub(began))
		if int(out.People) != crowd.Open {
			return fmt.Errorf("the dry run finds %d people, not %d", out.People, crowd.Open)
		}
	}
	r.atMost(fmt.Sprintf("dry run, %s not enrolled (median of 5)", phrase.Number(int64(crowd.Open))), quantile(times, 0.5).Seconds(), 2, "s")
	return nil
}
