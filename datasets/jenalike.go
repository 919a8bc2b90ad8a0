// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// jenaColumns are the columns of the published file.
var jenaColumns = []string{
	"p (mbar)", "T (degC)", "Tpot (K)", "Tdew (degC)", "rh (%)", "VPmax (mbar)", "VPact (mbar)", "VPdef (mbar)",
	"sh (g/kg)", "H2OC (mmol/mol)", "rho (g/m**3)", "wv (m/s)", "max. wv (m/s)", "wd (deg)",
}

// JenaLike generates a series with the columns, the spacing and roughly the values of the
// Jena weather, for work without the real file. It is a caricature, not a measurement:
// seasons and days repeat, air masses follow each other every few days behind fronts that
// the pressure announces, clouds dampen the daily swing, and everything is noisy;
// humidity and density follow from temperature, dew point and pressure by the usual
// formulas. As in the real series, tomorrow at this hour is much like today, so that
// persistence is hard, but not impossible, to beat. The same seed gives the same series.
func JenaLike(years int, seed uint64) *Series {
	rng := rand.New(rand.NewPCG(seed, 0x4a656e61))
	const perDay = 144
	n := max(years, 1) * 365 * perDay
	start := time.Date(2009, 1, 1, 0, 10, 0, 0, time.UTC)
	s := &Series{Times: make([]time.Time, n)}
	x := make([]float64, 0, n*len(jenaColumns))
	air := newAirMass(rng)
	for i := range n {
		s.Times[i] = start.Add(time.Duration(i) * 10 * time.Minute)
		day := float64(i+1) / perDay
		air.advance(rng)
		// The coldest days are in mid-January, the coldest hour is before sunrise,
		// and the day's swing is widest under a clear summer sky.
		season := -math.Cos(2 * math.Pi * (day - 15) / 365.25)
		hour := -math.Cos(2 * math.Pi * (day - 3.0/24))
		swing := (3 + 1.8*season) * (1 - 0.75*air.cloud)
		t := 9.4 + 8.6*season + air.warmth + swing*hour + 0.12*rng.NormFloat64()
		dew := min(4.8+6.8*season+0.75*air.warmth-3.5*(1-air.cloud)+0.3*hour+0.1*rng.NormFloat64(), t-0.1)
		p := 989 + air.pressure - 0.5*season + 0.05*rng.NormFloat64()
		x = appendWeather(x, p, t, dew)
		wind := math.Abs(air.wind + 0.5*hour*(1-air.cloud) + 0.35*rng.NormFloat64())
		gust := wind*1.6 + 0.3*math.Abs(rng.NormFloat64())
		direction := math.Mod(air.direction+15*rng.NormFloat64()+720, 360)
		x = append(x, round2(wind), round2(gust), math.Round(10*direction)/10)
	}
	s.Table = &Table{Columns: jenaColumns, X: x, layout: newLayout([][]int{{len(jenaColumns)}}, nil)}
	s.origin = Origin{Set: "jena", Kind: Generated, Detail: fmt.Sprintf("%d years with the columns of the Jena weather", n/(365*perDay))}
	return s
}

// appendWeather appends the eleven columns that follow from pressure (mbar), temperature
// and dew point (degrees Celsius), by Magnus's formula for the vapor pressure and the gas
// law for the density.
func appendWeather(x []float64, p, t, dew float64) []float64 {
	vapour := func(t float64) float64 { return 6.1094 * math.Exp(17.625*t/(t+243.04)) }
	most, is := vapour(t), vapour(dew)
	kelvin := t + 273.15
	rho := 100 * (p - 0.378*is) / (287.05 * kelvin) * 1000
	for _, v := range [...]float64{
		p, t, kelvin * math.Pow(1000/p, 0.286), dew, 100 * is / most, most, is, most - is,
		622 * is / (p - 0.378*is), 1000 * is / p, rho,
	} {
		x = append(x, round2(v))
	}
	return x
}

func round2(v float64) float64 { return math.Round(100*v) / 100 }

// airMass is the part of the weather that depends on neither season nor hour.
type airMass struct {
	warmth, pressure, cloud, wind, direction      float64 // now
	toWarmth, toPressure, toCloud, toWind, toward float64 // what the air mass tends to
	next                                          int     // rows until the front comes
	coming                                        float64 // warmth behind it
}

func newAirMass(rng *rand.Rand) *airMass {
	a := &airMass{cloud: 0.5, wind: 2, direction: 200, toCloud: 0.5, toWind: 2, toward: 200}
	a.plan(rng)
	return a
}

// plan decides when the next front comes and what is behind it.
func (a *airMass) plan(rng *rand.Rand) {
	a.next = 144 + int(rng.ExpFloat64()*2*144)
	a.coming = 0.15*a.warmth + 6.5*rng.NormFloat64()
}

// advance moves ahead by ten minutes.
func (a *airMass) advance(rng *rand.Rand) {
	if a.next--; a.next < 0 {
		a.toWarmth = a.coming
		a.toPressure = -0.7*a.coming + 4*rng.NormFloat64()
		a.toCloud = clamp01(0.55 - 0.03*a.toPressure + 0.25*rng.NormFloat64())
		a.toWind = math.Abs(1.6 + 1.1*rng.NormFloat64())
		a.toward = 230 - 12*a.coming + 50*rng.NormFloat64()
		a.wind += 2.5 // the front itself
		a.plan(rng)
	}
	// The signs of a front last 36 hours: the pressure falls, and more so before cold
	// air; clouds gather and the wind turns.
	const notice = 216.
	near := max(0, 1-float64(a.next)/notice)
	tend := func(v *float64, to, rows, noise float64) { *v += (to-*v)/rows + noise*rng.NormFloat64() }
	tend(&a.warmth, a.toWarmth, 70, 0.06)
	tend(&a.pressure, a.toPressure-near*(5-1.3*a.coming), 60, 0.06)
	tend(&a.cloud, clamp01(a.toCloud+0.6*near), 60, 0.012)
	tend(&a.wind, a.toWind+near, 40, 0.08)
	tend(&a.direction, a.toward+near*9*a.coming, 70, 1.2)
	a.cloud = clamp01(a.cloud)
}

func clamp01(v float64) float64 { return min(max(v, 0), 1) }
