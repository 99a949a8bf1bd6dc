// A test program's run file, layout 2, written with plain ROOT and nothing of mppcqa.
//
//     root -l -b -q 'write_run.C("run.root", 17, "pde-1", "ana")'
//     mppcqa check run.root
//
// Replace what Device does by your digitiser, bias supply and thermometer. docs/run-file.md says
// what each branch means. LZ4 keeps a checksum of each basket, so take it (or better, leave it).

#include <TFile.h>
#include <TObjString.h>
#include <TRandom3.h>
#include <TString.h>
#include <TTimeStamp.h>
#include <TTree.h>

const int kChannels = 16, kSamples = 200;
const double kGate_s = 100e-9, kDecay_s = 10e-9, kSampling_s = 2e-9, kPhotons = 10;

struct Device {  // stands for the hardware: an array of 16 channels that breaks down near 70 V
    TRandom3 random;
    explicit Device(int seed) : random(seed) {}
    double gain(double bias_v, int channel) { return 45 * (bias_v - 70 - 0.01 * channel); }
    int electrons(double bias_v, double light) {
        double mean = 0.02 + light * kPhotons * 0.25 * (1 - exp(-(bias_v - 70) / 1.3));
        return random.Poisson(mean);
    }
    void charges(double bias_v, double light, Float_t* out) {
        for (int i = 0; i < kChannels; ++i) {
            int fired = electrons(bias_v, light);
            double one = gain(bias_v, i), width = sqrt(36 + fired * one * one * 0.0025);
            out[i] = 100 + fired * one + random.Gaus(0, width);
        }
    }
    void pulse(double bias_v, double light, Short_t* out) {
        double height = electrons(bias_v, light) * gain(bias_v, 0);
        for (int i = 0; i < kSamples; ++i)
            out[i] = random.Gaus(0, 5) + (i < 20 ? 0 : height * exp((20 - i) * kSampling_s / 25e-9));
    }
    double current(double bias_v) {
        return 1e-10 * bias_v / 70 + (bias_v > 70 ? 1e-8 * pow(bias_v - 70, 2) : 0);
    }
};

void write_run(const char* path, int run = 1, const char* station = "pde-1",
               const char* operator_name = "ana", const char* serial = "GX-0001", int events = 4000,
               int seed = 1) {
    Device device(seed);
    TFile file(path, "RECREATE");
    file.SetCompressionSettings(401);  // LZ4, level 1

    Int_t point = 0, slot = 1, channel = 0, event = 0, curve = 0, sensor = 0;
    Double_t bias_v = 0, overvoltage_v = NAN, temperature_c = 20, light = 0, bias_read_v = 0;
    Double_t scale_v = 1e-4, offset_v = 0, voltage_v = 0, current_a = 0, error_a = 0;
    Double_t time_s = 0, value = 0;
    Float_t charge[kChannels];
    Short_t adc[kSamples];

    TTree conditions("condition", "One entry a measuring point");
    conditions.Branch("point", &point, "point/I");
    conditions.Branch("bias_v", &bias_v, "bias_v/D");
    conditions.Branch("overvoltage_v", &overvoltage_v, "overvoltage_v/D");
    conditions.Branch("temperature_c", &temperature_c, "temperature_c/D");
    conditions.Branch("light", &light, "light/D");
    conditions.Branch("bias_read_v", &bias_read_v, "bias_read_v/D");
    TTree charges("charge", "One entry a trigger and device");
    charges.Branch("point", &point, "point/I");
    charges.Branch("slot", &slot, "slot/I");
    charges.Branch("charge", charge, Form("charge[%d]/F", kChannels), 1000000);
    TTree waveforms("waveform", "One entry a recorded pulse shape of one channel");
    waveforms.Branch("point", &point, "point/I");
    waveforms.Branch("slot", &slot, "slot/I");
    waveforms.Branch("channel", &channel, "channel/I");
    waveforms.Branch("event", &event, "event/I");
    waveforms.Branch("scale_v", &scale_v, "scale_v/D");
    waveforms.Branch("offset_v", &offset_v, "offset_v/D");
    waveforms.Branch("adc", adc, Form("adc[%d]/S", kSamples), 1000000);
    TTree curves("iv", "One entry a point of a current-voltage curve");
    curves.Branch("curve", &curve, "curve/I");
    curves.Branch("slot", &slot, "slot/I");
    curves.Branch("channel", &channel, "channel/I");
    curves.Branch("voltage_v", &voltage_v, "voltage_v/D");
    curves.Branch("current_a", &current_a, "current_a/D");
    curves.Branch("current_uncertainty_a", &error_a, "current_uncertainty_a/D");
    curves.Branch("temperature_c", &temperature_c, "temperature_c/D");
    curves.Branch("light", &light, "light/D");
    TTree monitor("monitor", "One entry a reading of a sensor");
    monitor.Branch("time_s", &time_s, "time_s/D");
    monitor.Branch("sensor", &sensor, "sensor/I");
    monitor.Branch("value", &value, "value/D");

    for (double over = 1.0; over < 2.3; over += 0.4)
        for (light = 0; light < 2; ++light, ++point) {
            bias_v = 70 + over, bias_read_v = bias_v + 0.002, time_s = point * 5, value = 20.1;
            conditions.Fill(), monitor.Fill();
            for (event = 0; event < events; ++event) {
                device.charges(bias_v, light, charge), charges.Fill();
                if (event < 5) device.pulse(bias_v, light, adc), waveforms.Fill();
            }
        }
    for (light = 0, voltage_v = 65; voltage_v < 73; voltage_v += 0.1) {
        current_a = device.current(voltage_v), error_a = 0.01 * current_a, curves.Fill();
    }
    for (TTree* tree : {&conditions, &charges, &waveforms, &curves, &monitor}) tree->Write();
    TString meta = Form(R"({"layout": 2, "run": %d, "stage": "pde", "station": "%s",
        "operator": "%s", "program": "write_run.C 1", "started": "%sZ",
        "slots": [{"slot": 1, "serial": "%s", "channels": %d}], "gate_s": %g, "decay_s": %g,
        "reference": {"photons_per_pulse": %g, "photons_per_pulse_uncertainty": 0.2,
        "position_factor": 1.0}, "waveform": {"samples": %d, "sampling_s": %g},
        "sensors": [{"sensor": 0, "name": "box", "unit": "degC"}], "entries": {"charge": %lld}})",
        run, station, operator_name, TString(TTimeStamp().AsString("s")).ReplaceAll(" ", "T").Data(),
        serial, kChannels, kGate_s, kDecay_s, kPhotons, kSamples, kSampling_s, charges.GetEntries());
    TObjString(meta).Write("meta");  // last, so that its absence says that the run did not end
}
