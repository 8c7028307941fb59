package signin

import (
	"fmt"
	"slices"
	"strings"
)

// dimension is one thing the rule looks at, with the values it can have as
// support staff say them.
type dimension struct {
	name   string
	values []string
	sets   map[uint16]string // short names of some sets of values
}

// grid is every combination of the values of some dimensions. A combination has
// a number: the first dimension counts most.
type grid []dimension

func (g grid) size() int {
	n := 1
	for _, d := range g {
		n *= len(d.values)
	}
	return n
}

// at is the combination of a number: for each dimension, which value.
func (g grid) at(number int) []int {
	values := make([]int, len(g))
	for i := len(g) - 1; i >= 0; i-- {
		values[i] = number % len(g[i].values)
		number /= len(g[i].values)
	}
	return values
}

func (g grid) say(values []int) string {
	said := make([]string, len(g))
	for i, d := range g {
		said[i] = d.values[values[i]]
	}
	return strings.Join(said, "; ")
}

// row is a set of combinations with one answer: for each dimension a bit for each
// value that belongs to it.
type row struct {
	sets   []uint16
	answer int
}

func (r row) covers(values []int) bool {
	for i, v := range values {
		if r.sets[i]&(1<<v) == 0 {
			return false
		}
	}
	return true
}

// rows are the answers of all combinations, told in few disjoint rows: values
// after which everything else is alike stand together. It drops nothing: the rows
// cover each combination once.
func (g grid) rows(answers []int) []row {
	list := g.split(answers, 0, make([]uint16, len(g)))
	for merged := true; merged; {
		list, merged = mergeTwo(list)
	}
	slices.SortStableFunc(list, func(a, b row) int { return a.answer - b.answer })
	return list
}

func (g grid) split(answers []int, depth int, chosen []uint16) []row {
	if depth == len(g) {
		return []row{{slices.Clone(chosen), answers[0]}}
	}
	width := len(answers) / len(g[depth].values)
	var list []row
	var done uint16
	for v := range g[depth].values {
		if done&(1<<v) != 0 {
			continue
		}
		block := answers[v*width : (v+1)*width]
		var alike uint16
		for w := range g[depth].values {
			if slices.Equal(block, answers[w*width:(w+1)*width]) {
				alike |= 1 << w
			}
		}
		done |= alike
		chosen[depth] = alike
		list = append(list, g.split(block, depth+1, chosen)...)
	}
	return list
}

// mergeTwo joins two rows with one answer that differ in one dimension.
func mergeTwo(list []row) ([]row, bool) {
	for i, a := range list {
		for j := i + 1; j < len(list); j++ {
			b, differs, at := list[j], 0, 0
			for k := range a.sets {
				if a.sets[k] != b.sets[k] {
					differs, at = differs+1, k
				}
			}
			if a.answer == b.answer && differs == 1 {
				a.sets[at] |= b.sets[at]
				return slices.Delete(list, j, j+1), true
			}
		}
	}
	return list, false
}

// write says a row as its conditions; what does not matter is left out.
func (g grid) write(r row) string {
	var conditions []string
	for i, d := range g {
		if r.sets[i] == 1<<len(d.values)-1 {
			continue
		}
		if short, ok := d.sets[r.sets[i]]; ok {
			conditions = append(conditions, short)
			continue
		}
		var values []string
		for v, value := range d.values {
			if r.sets[i]&(1<<v) != 0 {
				values = append(values, value)
			}
		}
		conditions = append(conditions, strings.Join(values, " or "))
	}
	if len(conditions) == 0 {
		return "always"
	}
	return strings.Join(conditions, "; ")
}

// read is the reverse of write.
func (g grid) read(text string) (row, error) {
	r := row{sets: make([]uint16, len(g))}
	for i, d := range g {
		r.sets[i] = 1<<len(d.values) - 1
	}
	if text == "always" {
		return r, nil
	}
	for condition := range strings.SplitSeq(text, "; ") {
		if i, set := g.findSet(condition); i >= 0 {
			r.sets[i] = set
			continue
		}
		sets, at := uint16(0), -1
		for value := range strings.SplitSeq(condition, " or ") {
			i, v := g.find(value)
			if i < 0 || at >= 0 && i != at {
				return row{}, fmt.Errorf("%q is no value of one dimension in %q", value, condition)
			}
			at = i
			sets |= 1 << v
		}
		r.sets[at] = sets
	}
	return r, nil
}

func (g grid) find(value string) (dimension, index int) {
	for i, d := range g {
		if v := slices.Index(d.values, value); v >= 0 {
			return i, v
		}
	}
	return -1, -1
}

func (g grid) findSet(short string) (dimension int, set uint16) {
	for i, d := range g {
		for set, name := range d.sets {
			if name == short {
				return i, set
			}
		}
	}
	return -1, 0
}
